import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openaiCredential, startLendingHasp } from '../support/lending-hasp.ts'
import type { AnyJson } from '../support/running-hasp.ts'
import { faultsOf, operationsOf, readDocument, type Operation } from './support/api-schema.ts'

/** For operations under an id that take nothing less. */
const bodiesOfOperations: Readonly<Record<string, unknown>> = {
  issueOnboardingLink: {},
  startDrill: {},
  markDrill: { mark: 'withdrawn' },
}

describe('the management API', () => {
  let running: Awaited<ReturnType<typeof startLendingHasp>>
  let document: AnyJson
  const carriedOut = new Set<string>()
  beforeAll(async () => {
    running = await startLendingHasp()
    document = await readDocument(running.hasp)
  })
  afterAll(() => running[Symbol.asyncDispose]())

  /** Carries an operation out and holds the reply against its schema. */
  const run = async (
    operationId: string,
    params: Record<string, string> = {},
    body?: unknown,
    query = '',
  ) => {
    const operation = operationsOf(document).find((one) => one.operationId === operationId) as Operation
    const path = operation.path
      .replace('/api/v1', '')
      .replace(/\{(\w+)\}/g, (_, name: string) => params[name] ?? '')
    const reply = await running.hasp.api(operation.method, path + query, body)
    expect(faultsOf(document, operation, reply), operationId).toEqual([])
    expect(reply.status, JSON.stringify(reply.body)).toBeLessThan(300)
    expect(reply.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(reply.headers.get('cache-control')).toBe('no-store')
    carriedOut.add(operationId)
    return reply.body
  }

  it('answers every operation with what its schema says', async () => {
    const { surroundings, hasp, lending } = running
    expect(await run('readOrganisation')).toMatchObject({ id: hasp.orgId, name: 'default' })

    const kek = await run('registerKek', {}, { name: 'spare', provider: 'local', unwrapMode: 'shared' })
    expect(kek).toMatchObject({ state: 'pre-activation', unwrapMode: 'shared', streamRule: 'cut' })
    expect(kek.grant.summary).toContain('NOT customer-held')
    expect((await run('verifyKek', { id: kek.id })).kek.state).toBe('active')
    expect(await run('updateKek', { id: kek.id }, { name: 'spare two', cacheCeilingMs: 0 })).toMatchObject({
      name: 'spare two',
      cacheCeilingMs: 0,
    })
    expect((await run('readKek', { id: kek.id })).probe).toBeDefined()
    expect((await run('listKeks')).items.map((item: AnyJson) => item.name)).toEqual(['main', 'spare two'])
    expect((await run('listVerifications', { id: kek.id })).items[0]).toMatchObject({ verdict: 'least' })
    const link = await run('issueOnboardingLink', { id: kek.id }, {})
    expect(link.path).toMatch(/^\/onboarding\/hasp_link_/)
    expect(JSON.stringify(await run('listOnboardingLinks', { id: kek.id }))).not.toContain(link.path)
    const ended = await run('revokeOnboardingLink', { id: kek.id, linkId: link.id })
    expect(ended.revokedAt).not.toBeNull()
    expect((await run('retireKek', { id: kek.id })).state).toBe('deactivated')

    surroundings.emulator.control.setLatency({ operation: 'Decrypt', latencyMs: 1_000 })
    const drill = await run('startDrill', { id: lending.kekId }, { boundMs: 1_000 })
    const drillId: string = drill.id
    expect(drill).toMatchObject({ state: 'running', boundMs: 1_000, measure: { verdict: 'unknown' } })
    expect(await run('readDrill', { id: lending.kekId, drillId })).toMatchObject({ id: drillId })
    const marked = await run('markDrill', { id: lending.kekId, drillId }, { mark: 'withdrawn' })
    expect(marked.withdrawnAt).not.toBeNull()
    await run('endDrill', { id: lending.kekId, drillId })

    const job = await run('startLifecycleJob', {}, { kind: 'rewrap', fromKekId: lending.kekId })
    expect(job).toMatchObject({ kind: 'rewrap', recordsTotal: 2, recordsPerSecondMax: 50 })
    expect((await run('readLifecycleJob', { id: job.id })).id).toBe(job.id)
    expect((await run('listLifecycleJobs')).items).toHaveLength(1)
    expect((await run('cancelLifecycleJob', { id: job.id })).state).toBe('cancelled')
    surroundings.emulator.control.setLatency({ operation: 'Decrypt', latencyMs: 0 })
    expect((await run('listCryptoperiods')).items[0]).toMatchObject({
      state: 'unlimited',
      ages: { wrap: { total: 2 } },
    })
    expect(await run('readCryptoperiod', { id: lending.kekId })).toMatchObject({
      kekId: lending.kekId,
      remedies: [],
    })
    expect((await run('listDueRecords', { id: lending.kekId })).items).toEqual([])

    const target = await run(
      'storeTarget',
      {},
      {
        name: 'second',
        provider: 'openai',
        environment: 'staging',
        baseUrl: surroundings.openai.origin,
        models: ['gpt-5*'],
        kekId: lending.kekId,
        credential: openaiCredential,
      },
    )
    expect(target).toMatchObject({ verification: 'accepted', keyPreview: 'sk-t…6354', models: ['gpt-5*'] })
    expect(await run('readTarget', { id: target.id })).toEqual(target)
    const rotated = await run(
      'updateTarget',
      { id: target.id },
      { name: 'renamed', credential: openaiCredential },
    )
    expect(rotated.credentials.map((version: AnyJson) => [version.generation, version.isCurrent])).toEqual([
      [2, true],
      [1, false],
    ])
    expect(rotated.name).toBe('renamed')
    expect(await run('testTarget', { id: target.id })).toMatchObject({ verification: 'accepted' })
    await run('retireCredential', { id: target.id, generation: '1' })
    expect((await run('listTargets', {}, undefined, '?provider=openai')).items).toHaveLength(2)
    await run('deleteTarget', { id: target.id })

    const issued = await run(
      'issueVirtualKey',
      {},
      {
        name: 'x',
        targetIds: [lending.openaiTargetId],
        models: ['gpt-5'],
        expiresAt: '2099-01-01T00:00:00Z',
      },
    )
    expect(issued).toMatchObject({ status: 'active', expiresAt: '2099-01-01T00:00:00.000Z' })
    expect(issued.token).toMatch(/^hasp_vk_/)
    const changed = await run(
      'updateVirtualKey',
      { id: issued.id },
      { targetIds: 'all', models: 'all', expiresAt: null },
    )
    expect(changed).toMatchObject({ targetIds: 'all', models: 'all', expiresAt: null })
    expect(JSON.stringify(await run('readVirtualKey', { id: issued.id }))).not.toContain(issued.token)
    expect((await run('revokeVirtualKey', { id: issued.id })).status).toBe('revoked')
    expect(JSON.stringify(await run('listVirtualKeys'))).not.toContain(issued.token)

    const admin = await run('issueAdminToken', {}, { name: 'second', expiresAt: '2099-01-01T00:00:00Z' })
    expect(admin.token).toMatch(/^hasp_admin_/)
    expect(JSON.stringify(await run('listAdminTokens'))).not.toContain(admin.token)
    expect((await run('revokeAdminToken', { id: admin.id })).revokedAt).not.toBeNull()

    await fetch(`${hasp.url}/openai/v1/models`, {
      headers: { authorization: `Bearer ${lending.virtualKey}` },
    })
    expect((await run('listReceipts')).items).toHaveLength(1)
    expect((await run('listLedgerEntries', {}, undefined, '?kind=target.deleted')).items).toHaveLength(1)

    expect([...carriedOut].toSorted()).toEqual(
      operationsOf(document)
        .map((one) => one.operationId)
        .toSorted(),
    )
  })

  it('answers what does not exist, and whoever it does not know, as its schema says too', async () => {
    const id = '019a0000-0000-7000-8000-000000000000'
    for (const operation of operationsOf(document)) {
      const path = operation.path
        .replace('/api/v1', '')
        .replace('{id}', id)
        .replace('{linkId}', id)
        .replace('{drillId}', id)
        .replace('{generation}', '1')
      const stranger = await running.hasp.api(operation.method, path, undefined, {
        authorization: 'Bearer hasp_admin_x',
      })
      expect([operation.operationId, stranger.status, stranger.body.code]).toEqual([
        operation.operationId,
        401,
        'unauthenticated',
      ])
      expect(faultsOf(document, operation, stranger)).toEqual([])
      if (!operation.path.includes('{id}')) continue
      const body =
        bodiesOfOperations[operation.operationId] ??
        (operation.method === 'PATCH' ? { name: 'x' } : undefined)
      const nothing = await running.hasp.api(operation.method, path, body)
      expect([operation.operationId, nothing.status]).toEqual([operation.operationId, 404])
      expect(faultsOf(document, operation, nothing)).toEqual([])
    }
  })
})
