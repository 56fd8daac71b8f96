import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBesiegedHasp, type Besieged } from './support/besieged-hasp.ts'

const json = (value: unknown) => JSON.stringify(value)

describe('whoever holds an admin token of another organisation', () => {
  let besieged: Besieged
  beforeAll(async () => {
    besieged = await startBesiegedHasp('aws')
    await besieged.call(besieged.a.agent.token)
  })
  afterAll(() => besieged[Symbol.asyncDispose]())

  it('is told of nothing of theirs, whatever it asks for by id', async () => {
    const { a, b } = besieged
    const theirAdminTokenId = (await a.api('GET', '/admin-tokens')).body.items[0].id
    const before = json(await everythingOf(a))
    const operations: [method: string, path: string, body?: unknown][] = [
      ['GET', `/keks/${a.victimKekId}`],
      ['PATCH', `/keks/${a.victimKekId}`, { unwrapMode: 'cached' }],
      ['POST', `/keks/${a.victimKekId}/verify`],
      ['POST', `/keks/${a.victimKekId}/retire`],
      ['GET', `/api-targets/${a.victimId}`],
      ['PATCH', `/api-targets/${a.victimId}`, { name: 'mine' }],
      ['PATCH', `/api-targets/${a.victimId}`, { credential: 'sk-0123456789', validate: false }],
      ['POST', `/api-targets/${a.victimId}/test`],
      ['DELETE', `/api-targets/${a.victimId}/credentials/1`],
      ['DELETE', `/api-targets/${a.victimId}`],
      ['GET', `/virtual-keys/${a.agent.id}`],
      ['PATCH', `/virtual-keys/${a.agent.id}`, { name: 'mine' }],
      ['POST', `/virtual-keys/${a.agent.id}/revoke`],
      ['POST', `/admin-tokens/${theirAdminTokenId}/revoke`],
    ]
    for (const [method, path, body] of operations) {
      const reply = await b.api(method, path, body)
      expect([method, path, reply.status]).toEqual([method, path, 404])
      expect(json(reply.body)).not.toContain(a.id)
    }
    expect(json(await everythingOf(a))).toBe(before)
  })

  it('can not tell theirs from what does not exist', async () => {
    const { a, b } = besieged
    const strip = (problem: object) => ({ ...problem, requestId: 'any' })
    for (const [path, id] of [
      ['/keks/', a.victimKekId],
      ['/api-targets/', a.victimId],
      ['/virtual-keys/', a.agent.id],
    ]) {
      const theirs = await b.api('GET', `${path}${id}`)
      const none = await b.api('GET', `${path}019a0000-0000-7000-8000-000000000000`)
      expect(strip(theirs.body)).toEqual(strip(none.body))
    }
  })

  it('can neither store a target under their KEK, nor lend theirs by a virtual key of its own', async () => {
    const { a, b } = besieged
    const target = {
      name: 'x',
      provider: 'openai',
      kekId: a.victimKekId,
      credential: 'sk-0123456789',
      validate: false,
    }
    expect((await b.api('POST', '/api-targets', target)).body.code).toBe('kek_not_found')
    const issued = await b.api('POST', '/virtual-keys', { name: 'x', targetIds: [a.victimId] })
    expect(issued.body.code).toBe('virtual_key_target_unknown')
    const widened = await b.api('PATCH', `/virtual-keys/${b.agent.id}`, {
      targetIds: [b.victimId, a.victimId],
    })
    expect(widened.body.code).toBe('virtual_key_target_unknown')
  })

  it('finds nothing of theirs in any list, also under their ids and cursors', async () => {
    const { a, b } = besieged
    const idsOfA = [
      a.id,
      a.victimKekId,
      a.bystanderKekId,
      a.victimId,
      a.bystanderId,
      a.agent.id,
      a.limited.id,
    ]
    const lists = ['/keks', '/api-targets', '/virtual-keys', '/admin-tokens', '/ledger', '/receipts']
    const filters = ['', `kekId=${a.victimKekId}`, `targetId=${a.victimId}`, `virtualKeyId=${a.agent.id}`]
    for (const list of lists) {
      const theirs = await a.api('GET', `${list}?limit=1`)
      for (const cursor of ['', theirs.body.nextCursor === null ? '' : `&cursor=${theirs.body.nextCursor}`]) {
        const seen = json((await b.api('GET', `${list}?limit=100${cursor}`)).body)
        for (const id of idsOfA) expect(seen).not.toContain(id)
      }
    }
    for (const list of ['/ledger', '/receipts'])
      for (const filter of filters.slice(1))
        expect((await b.api('GET', `${list}?${filter}`)).body.items).toEqual([])
    const [receipt] = (await a.api('GET', '/receipts')).body.items
    expect((await a.api('GET', `/ledger?receiptId=${receipt.receiptId}`)).body.items).toHaveLength(1)
    expect((await b.api('GET', `/ledger?receiptId=${receipt.receiptId}`)).body.items).toEqual([])
  })

  it('neither gets their answer under their Idempotency-Key nor is kept from using it', async () => {
    const { a, b } = besieged
    const body = { name: 'same', targetIds: 'all' }
    const headers = { 'idempotency-key': 'shared-by-both' }
    const [first, second] = [
      await a.api('POST', '/virtual-keys', body, headers),
      await b.api('POST', '/virtual-keys', body, headers),
    ]
    expect([first.status, second.status]).toEqual([201, 201])
    expect(second.headers.get('idempotency-replayed')).toBeNull()
    expect(second.body.id).not.toBe(first.body.id)
    expect((await a.api('GET', `/virtual-keys/${second.body.id}`)).status).toBe(404)
  })

  it('can not claim the KMS key that serves them, even where that KMS would let it', async () => {
    const { a, b, surroundings } = besieged
    const { control } = surroundings.emulator
    const { keyArn, roleArn, externalId } = (await a.api('GET', `/keks/${a.victimKekId}`)).body.access
    const claim = (await b.api('POST', '/keks', { name: 'theirs', provider: 'aws', keyArn, roleArn })).body
    expect(claim.access.externalId).not.toBe(externalId)

    const refused = (await b.api('POST', `/keks/${claim.id}/verify`)).body
    expect([refused.isPassed, refused.kek.state]).toEqual([false, 'pre-activation'])

    // The careless customer: any ExternalId, any organisation.
    const principal = surroundings.env['HASP_AWS_PRINCIPAL_ARN'] ?? ''
    const policy = (statement: object) => ({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', ...statement }],
    })
    control.putTrustPolicy({
      roleArn,
      trustPolicy: policy({ Principal: { AWS: principal }, Action: 'sts:AssumeRole' }),
    })
    control.putPolicies({ principalArn: roleArn, policies: [policy({ Action: 'kms:*', Resource: keyArn })] })
    const claimed = await b.api('POST', `/keks/${claim.id}/verify`)
    expect([claimed.status, claimed.body.code]).toEqual([409, 'kek_already_claimed'])
    expect((await b.api('GET', `/keks/${claim.id}`)).body.state).toBe('pre-activation')
  })

  it('cannot use an admin token as a virtual key, nor a virtual key as an admin token', async () => {
    const { b, call, hasp } = besieged
    expect((await call(b.adminToken)).code).toBe('virtual_key_not_ours')
    const reply = await fetch(`${hasp.url}/api/v1/organisation`, {
      headers: { authorization: `Bearer ${b.agent.token}` },
    })
    expect(reply.status).toBe(401)
  })

  it('cannot revoke its way into theirs: its last token stays, theirs too', async () => {
    const { a, b } = besieged
    const own = (await b.api('GET', '/admin-tokens')).body.items[0].id
    expect((await b.api('POST', `/admin-tokens/${own}/revoke`)).body.code).toBe('admin_token_last')
    expect((await a.api('GET', '/organisation')).body.id).toBe(a.id)
  })
})

async function everythingOf({ api }: Besieged['a']): Promise<unknown[]> {
  const lists = await Promise.all(
    ['/keks', '/api-targets', '/virtual-keys', '/admin-tokens'].map((path) => api('GET', path)),
  )
  return lists.map((list) => list.body.items)
}
