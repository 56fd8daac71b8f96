import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anthropicCredential, openaiCredential, startLendingHasp } from '../support/lending-hasp.ts'
import type { AnyJson } from '../support/running-hasp.ts'

describe('what the management API refuses to do', () => {
  let running: Awaited<ReturnType<typeof startLendingHasp>>
  let target: Record<string, unknown>
  beforeAll(async () => {
    running = await startLendingHasp()
    const { surroundings, lending } = running
    target = {
      name: 'new',
      provider: 'openai',
      baseUrl: surroundings.openai.origin,
      kekId: lending.kekId,
      credential: openaiCredential,
    }
  })
  afterAll(() => running[Symbol.asyncDispose]())

  const api = (method: string, path: string, body?: unknown) => running.hasp.api(method, path, body)
  const refused = async (method: string, path: string, body?: unknown) => {
    const { status, body: problem } = await api(method, path, body)
    return [status, problem.code]
  }
  const targets = async () => (await api('GET', '/api-targets')).body.items.map((item: AnyJson) => item.name)
  /** Of targets: the probe writes, too. */
  const entriesOfTargets = async () => {
    const { items } = (await api('GET', '/ledger?limit=100')).body
    return items.filter(({ kind }: AnyJson) => kind.startsWith('target.')).length
  }

  describe('with a credential', () => {
    it('that its provider does not accept: nothing is stored', async () => {
      const before = [await targets(), await entriesOfTargets()]
      expect(
        await refused('POST', '/api-targets', { ...target, credential: 'sk-unknown-0123456789' }),
      ).toEqual([422, 'credential_rejected_by_provider'])
      expect([await targets(), await entriesOfTargets()]).toEqual(before)
    })

    it('whose provider can not be asked: nothing is stored, unless it is told not to ask', async () => {
      const { surroundings, lending, hasp } = running
      const unreachable = surroundings.anthropic.origin.replace(/\d+$/, '1')
      // An address that the operator allows, and nobody answers at.
      const body = { ...target, provider: 'anthropic', baseUrl: unreachable, credential: anthropicCredential }
      expect(await refused('POST', '/api-targets', body)).toEqual([422, 'target_base_url_refused'])
      await surroundings.anthropic.close()
      const gone = { ...body, baseUrl: surroundings.anthropic.origin, name: 'gone' }
      expect(await refused('POST', '/api-targets', gone)).toEqual([502, 'credential_not_checkable'])
      const unchecked = await api('POST', '/api-targets', { ...gone, validate: false })
      expect([unchecked.status, unchecked.body.verification]).toEqual([201, 'unchecked'])
      expect(await refused('POST', `/api-targets/${unchecked.body.id}/test`)).toEqual([
        502,
        'credential_not_checkable',
      ])
      await api('DELETE', `/api-targets/${unchecked.body.id}`)
      expect(lending.anthropicTargetId).not.toBe(unchecked.body.id)
      expect(hasp.logLines.join('\n')).not.toContain(anthropicCredential)
    })

    it.each([
      'short',
      'with space in it',
      'line\tend0000',
      'sk-\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9',
      'a'.repeat(4097),
      '',
    ])('that can not be one: %j', async (credential) => {
      expect(await refused('POST', '/api-targets', { ...target, credential })).toEqual(
        credential.includes('\t') ? [400, 'body_malformed'] : [422, 'credential_malformed'],
      )
    })

    it('that is the preview of the stored one, sent back by a form', async () => {
      const { lending } = running
      const { keyPreview } = (await api('GET', `/api-targets/${lending.openaiTargetId}`)).body
      expect(
        await refused('PATCH', `/api-targets/${lending.openaiTargetId}`, { credential: keyPreview }),
      ).toEqual([422, 'credential_is_preview'])
      expect((await api('GET', `/api-targets/${lending.openaiTargetId}`)).body.credentials).toHaveLength(1)
    })

    it('and a name that is taken: the old credential stays in use', async () => {
      const { lending } = running
      const path = `/api-targets/${lending.openaiTargetId}`
      expect(await refused('PATCH', path, { name: 'anthropic', credential: openaiCredential })).toEqual([
        409,
        'target_name_taken',
      ])
      const { name, credentials } = (await api('GET', path)).body
      expect([name, credentials.length]).toEqual(['openai', 1])
    })

    it('in part, when it is short', async () => {
      const stored = await api('POST', '/api-targets', {
        ...target,
        name: 'short',
        credential: 'ghijklmnuvwxy',
        validate: false,
      })
      expect(stored.body.keyPreview).toBe('••••')
      expect(JSON.stringify(stored.body)).not.toMatch(/ghij|vwxy/)
      await api('DELETE', `/api-targets/${stored.body.id}`)
    })

    it('that is the version in use: it can not be retired, nor one that does not exist', async () => {
      const path = `/api-targets/${running.lending.openaiTargetId}/credentials`
      expect(await refused('DELETE', `${path}/1`)).toEqual([409, 'credential_version_in_use'])
      expect(await refused('DELETE', `${path}/7`)).toEqual([404, 'credential_version_not_found'])
    })
  })

  describe('with a target', () => {
    it.each([
      [
        'https://api.openai.com.example',
        'https://evil.example',
        'http://api.openai.com',
        'https://user@api.openai.com',
        'https://api.openai.com/?x=1',
        'nonsense',
        '',
      ],
    ])('at a base URL that nobody allowed', async (...urls) => {
      for (const baseUrl of urls)
        expect(await refused('POST', '/api-targets', { ...target, baseUrl })).toEqual([
          422,
          'target_base_url_refused',
        ])
    })

    it('of an unknown provider, under a name that is taken, or under no KEK', async () => {
      expect(await refused('POST', '/api-targets', { ...target, provider: 'acme' })).toEqual([
        422,
        'target_provider_unknown',
      ])
      expect(await refused('POST', '/api-targets', { ...target, name: 'openai' })).toEqual([
        409,
        'target_name_taken',
      ])
      expect(
        await refused('POST', '/api-targets', { ...target, kekId: running.lending.openaiTargetId }),
      ).toEqual([404, 'kek_not_found'])
    })

    it.each(['baseUrl', 'provider', 'environment', 'kekId'])(
      'whose %s would change under its credential',
      async (field) => {
        expect(
          await refused('PATCH', `/api-targets/${running.lending.openaiTargetId}`, { [field]: 'x' }),
        ).toEqual([400, 'body_invalid'])
      },
    )
  })

  describe('with a KEK', () => {
    it('that is not verified yet, or is retired', async () => {
      const { body } = await api('POST', '/keks', { name: 'unverified', provider: 'local' })
      expect(await refused('POST', '/api-targets', { ...target, kekId: body.id })).toEqual([
        409,
        'target_kek_not_active',
      ])
      await api('POST', `/keks/${body.id}/retire`)
      expect(await refused('POST', '/api-targets', { ...target, kekId: body.id })).toEqual([
        409,
        'target_kek_not_active',
      ])
      expect(await refused('POST', `/keks/${body.id}/verify`)).toEqual([409, 'kek_not_active'])
    })

    it('that still seals something: it is not retired', async () => {
      const { kekId } = running.lending
      expect(await refused('POST', `/keks/${kekId}/retire`)).toEqual([409, 'kek_in_use'])
      expect((await api('GET', `/keks/${kekId}`)).body.state).toBe('active')
    })

    it.each([
      ['no ARN', {}],
      ['an alias', { keyArn: 'arn:aws:kms:eu-central-1:111111111111:alias/main' }],
      ['a bare key id', { keyArn: '00000000-0000-4000-8000-000000000000' }],
      ['a URL', { keyArn: 'https://attacker.example/key' }],
      [
        'another service',
        { keyArn: 'arn:aws:s3:eu-central-1:111111111111:key/00000000-0000-4000-8000-000000000000' },
      ],
      [
        'a region that is a host name',
        { keyArn: 'arn:aws:kms:evil.example/#:111111111111:key/00000000-0000-4000-8000-000000000000' },
      ],
      [
        'a role of another account',
        {
          keyArn: 'arn:aws:kms:eu-central-1:111111111111:key/00000000-0000-4000-8000-000000000000',
          roleArn: 'arn:aws:iam::222222222222:role/x',
        },
      ],
    ])('reached by %s', async (_, access) => {
      expect(await refused('POST', '/keks', { name: 'wrong', provider: 'aws', ...access })).toEqual([
        422,
        'kek_misconfigured',
      ])
    })

    it('of an unknown KMS, or under a name that is taken', async () => {
      expect(await refused('POST', '/keks', { name: 'x', provider: 'vault' })).toEqual([
        422,
        'kek_provider_unavailable',
      ])
      expect(await refused('POST', '/keks', { name: 'main', provider: 'local' })).toEqual([
        409,
        'kek_name_taken',
      ])
      const spare = (await api('POST', '/keks', { name: 'spare', provider: 'local' })).body
      expect(await refused('PATCH', `/keks/${spare.id}`, { name: 'main' })).toEqual([409, 'kek_name_taken'])
    })

    it.each(['keyArn', 'roleArn', 'provider', 'state', 'externalId'])(
      'whose %s would change under its records',
      async (field) => {
        expect(await refused('PATCH', `/keks/${running.lending.kekId}`, { [field]: 'x' })).toEqual([
          400,
          'body_invalid',
        ])
      },
    )

    it('that its owner withdrew: what needs it is refused, and nothing is lost', async () => {
      const { surroundings, lending } = running
      const { control } = surroundings.emulator
      control.setKeyState({ keyId: surroundings.keyArn, state: 'Disabled' })
      expect(await refused('POST', `/api-targets/${lending.openaiTargetId}/test`)).toEqual([
        403,
        'kek_revoked',
      ])
      expect(await refused('POST', '/api-targets', target)).toEqual([409, 'target_kek_not_active'])
      expect((await api('GET', `/api-targets/${lending.openaiTargetId}`)).status).toBe(200)
      control.setKeyState({ keyId: surroundings.keyArn, state: 'Enabled' })
      expect((await api('POST', `/keks/${lending.kekId}/verify`)).body.kek.state).toBe('active')
      expect((await api('POST', `/api-targets/${lending.openaiTargetId}/test`)).body.verification).toBe(
        'accepted',
      )
    })

    it('whose KMS does not answer: 503 with a time to come back, and no change of state', async () => {
      const { surroundings, lending } = running
      surroundings.emulator.control.injectFault({
        operation: 'Encrypt',
        times: 10,
        effect: { type: 'error', code: 'KMSInternalException', httpStatus: 500 },
      })
      const { status, headers, body } = await api('POST', '/api-targets', { ...target, name: 'later' })
      surroundings.emulator.control.clearFaults()
      expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'kek_unreachable', '5'])
      expect((await api('GET', `/keks/${lending.kekId}`)).body.state).toBe('active')
      expect(await targets()).not.toContain('later')
    })
  })

  describe('with tokens', () => {
    it('to revoke the last admin token, or one twice', async () => {
      const own = (await api('GET', '/admin-tokens')).body.items[0]
      expect(await refused('POST', `/admin-tokens/${own.id}/revoke`)).toEqual([409, 'admin_token_last'])
      const second = (await api('POST', '/admin-tokens', { name: 'second' })).body
      expect((await api('POST', `/admin-tokens/${second.id}/revoke`)).status).toBe(200)
      expect(await refused('POST', `/admin-tokens/${second.id}/revoke`)).toEqual([
        404,
        'admin_token_not_found',
      ])
      const reply = await fetch(`${running.hasp.url}/api/v1/organisation`, {
        headers: { authorization: `Bearer ${second.token}` },
      })
      expect(reply.status).toBe(401)
    })

    it('to lend a target that does not exist', async () => {
      const body = { name: 'x', targetIds: ['019a0000-0000-7000-8000-000000000000'] }
      expect(await refused('POST', '/virtual-keys', body)).toEqual([422, 'virtual_key_target_unknown'])
    })

    it('to bring a revoked virtual key back', async () => {
      const { id } = (await api('POST', '/virtual-keys', { name: 'x', targetIds: 'all' })).body
      await api('POST', `/virtual-keys/${id}/revoke`)
      await api('PATCH', `/virtual-keys/${id}`, { name: 'y', expiresAt: null })
      expect((await api('GET', `/virtual-keys/${id}`)).body.status).toBe('revoked')
      expect(await refused('PATCH', `/virtual-keys/${id}`, { revokedAt: null })).toEqual([
        400,
        'body_invalid',
      ])
    })
  })

  describe('and what it does let through', () => {
    it('lets a virtual key whose expiry was moved be used at once, though it was refused a moment ago', async () => {
      const { hasp } = running
      const soon = new Date(Date.now() + 1_000).toISOString()
      const { id, token } = (
        await api('POST', '/virtual-keys', { name: 'short', targetIds: 'all', expiresAt: soon })
      ).body
      const call = async () => {
        const reply = await fetch(`${hasp.url}/openai/v1/models`, {
          headers: { authorization: `Bearer ${token}` },
        })
        await reply.text()
        return reply.headers.get('x-hasp-error') ?? reply.status
      }
      expect(await call()).toBe(200)
      await expect.poll(call, { timeout: 3_000 }).toBe('virtual_key_expired')
      await api('PATCH', `/virtual-keys/${id}`, { expiresAt: null })
      expect(await call()).toBe(200)
    })

    it('lends a new target to a virtual key that was just told there is none', async () => {
      const { hasp, lending } = running
      const call = async () => {
        const reply = await fetch(`${hasp.url}/openai/v1/models`, {
          headers: { authorization: `Bearer ${lending.virtualKey}`, 'x-hasp-target': 'fresh' },
        })
        await reply.text()
        return reply.headers.get('x-hasp-error') ?? reply.status
      }
      for (let round = 0; round < 10; round += 1) {
        expect(await call()).toBe('no_target')
        const { id } = (await api('POST', '/api-targets', { ...target, name: 'fresh' })).body
        expect(await call()).toBe(200)
        await api('DELETE', `/api-targets/${id}`)
      }
    })

    it('lends a target whose name is in another script, and names it by its id', async () => {
      const { hasp, lending } = running
      const { id } = (
        await api('POST', '/api-targets', { ...target, name: '日本語 🔑', models: ['gpt-only-here'] })
      ).body
      const reply = await fetch(`${hasp.url}/openai/v1/chat/completions`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${lending.virtualKey}`,
          'content-type': 'application/json',
          'x-hasp-target': id,
        },
        body: JSON.stringify({ model: 'gpt-only-here', messages: [{ role: 'user', content: 'x' }] }),
      })
      expect([reply.status, reply.headers.get('x-hasp-target')]).toEqual([200, id])
      await reply.text()
    })
  })
})
