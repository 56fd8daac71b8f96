import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, fetch } from 'undici'
import { describe, expect, it } from 'vitest'
import { startAzureEmulator } from '#emulators/azure/azure-emulator.ts'
import { startTwoTenants } from './two-tenants.ts'

describe('the log of an emulated vault', () => {
  it('has the record that Azure writes, under the caller’s own id', async () => {
    await using azure = await startTwoTenants()
    const { control, owner, vault } = azure
    const { keyId } = await control.createKey({ store: vault.host, name: 'kek' })
    const crypto = azure.cryptoOf(owner, keyId)
    const correlationId = randomUUID()
    const { result } = await crypto.wrapKey('RSA-OAEP-256', Buffer.alloc(32))
    await crypto.unwrapKey('RSA-OAEP-256', result, {
      requestOptions: { headers: { 'x-ms-client-request-id': correlationId } },
    })
    const [event] = control.events({ correlationId })
    expect(event).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      category: 'AuditEvent',
      operationName: 'KeyUnwrap',
      operationVersion: '2025-07-01',
      resultType: 'Success',
      resultSignature: 'OK',
      resultDescription: '',
      durationMs: expect.stringMatching(/^\d+$/),
      callerIpAddress: '127.0.0.1',
      correlationId,
      identity: {
        claim: {
          'http://schemas.microsoft.com/identity/claims/objectidentifier': owner.objectId,
          appid: owner.clientId,
          xms_az_nwperimid: [],
        },
      },
      properties: {
        id: keyId,
        clientInfo: expect.stringContaining('azsdk-js-keyvault-keys'),
        requestUri: `${keyId}/unwrapkey?api-version=2025-07-01`,
        httpStatusCode: 200,
        tlsVersion: 'TLS1_3',
        algorithm: 'RSA-OAEP-256',
        isRbacAuthorized: true,
        appliedAssignmentId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        addrAuthType: 'PublicIP',
        isAddressAuthorized: true,
      },
      resourceId: vault.resourceId.toUpperCase(),
    })
    expect(JSON.stringify(control.events())).not.toContain(Buffer.from(result).toString('base64url'))
  })

  it('has refused calls, and the ones without a token, but nothing without a diagnostic setting', async () => {
    await using azure = await startTwoTenants()
    const { control, guest, vault } = azure
    const { keyId } = await control.createKey({ store: vault.host, name: 'kek' })
    const attempt = () =>
      azure
        .cryptoOf(guest, keyId)
        .wrapKey('RSA-OAEP-256', Buffer.alloc(32))
        .catch(() => undefined)
    await attempt()
    expect(
      control.events().map(({ operationName, resultSignature }) => [operationName, resultSignature]),
    ).toEqual([
      ['Authentication', 'Unauthorized'],
      ['KeyWrap', 'Forbidden'],
    ])
    control.clearEvents()
    control.setLogged({ store: vault.host, isLogged: false })
    await attempt()
    expect(control.events()).toEqual([])
  })

  it('waits for an event, and writes each as a line of JSON to a file that only its owner reads', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'hasp-azure-log-'))
    const ndjsonPath = join(directory, 'audit.ndjson')
    {
      await using azure = await startTwoTenants({ auditLog: { ndjsonPath } })
      const { control, owner, vault } = azure
      await control.createKey({ store: vault.host, name: 'kek' })
      const waiting = control.waitForEvent({ operationName: 'KeyGet' })
      await azure.keysOf(owner).getKey('kek')
      expect(await waiting).toMatchObject({ operationName: 'KeyGet' })
      await expect(control.waitForEvent({ operationName: 'KeyPurge' }, 10)).rejects.toThrow('No such event')
    }
    const lines = (await readFile(ndjsonPath, 'utf8')).trim().split('\n')
    expect(lines.map((line) => JSON.parse(line).operationName)).toContain('KeyGet')
    expect((await stat(ndjsonPath)).mode & 0o777).toBe(0o600)
    await rm(directory, { recursive: true })
  })
})

describe('faults of an emulated vault', () => {
  it('hit as many calls as they are armed for, and answer 429 with its Retry-After', async () => {
    await using azure = await startTwoTenants()
    const { control, owner, vault } = azure
    await control.createKey({ store: vault.host, name: 'kek' })
    control.injectFault({
      operation: 'KeyGet',
      times: 2,
      effect: { type: 'error', httpStatus: 429, code: 'Throttled', retryAfterSeconds: 3 },
    })
    for (let call = 0; call < 2; call += 1) {
      await expect(azure.keysOf(owner).getKey('kek')).rejects.toMatchObject({ statusCode: 429 })
    }
    expect((await azure.keysOf(owner).getKey('kek')).name).toBe('kek')
    expect(control.events({ operationName: 'KeyGet' })).toHaveLength(3)
  })

  it('delay calls, and end with clear-faults', async () => {
    await using azure = await startTwoTenants()
    const { control, owner, vault } = azure
    await control.createKey({ store: vault.host, name: 'kek' })
    control.setLatency({ operation: 'KeyGet', latencyMs: 150 })
    const startedAt = performance.now()
    await azure.keysOf(owner).getKey('kek')
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(145)
    control.injectFault({ operation: '*', times: 9, effect: { type: 'reset' } })
    control.clearFaults()
    await azure.keysOf(owner).getKey('kek')
  })

  it('take the name of a deleted vault out of DNS, and give it back', async () => {
    await using azure = await startTwoTenants()
    const { control, emulator, owner, vault } = azure
    await control.createKey({ store: vault.host, name: 'kek' })
    control.deleteStore({ store: vault.host })
    expect(() => emulator.connectTo(vault.host)).toThrow('ENOTFOUND')
    await expect(azure.keysOf(owner).getKey('kek')).rejects.toThrow('ENOTFOUND')
    control.recoverStore({ store: vault.host })
    await azure.keysOf(owner).getKey('kek')
  })
})

describe('the control API of an emulated Azure', () => {
  it('plants what a seed names, checks every input and takes only JSON', async () => {
    await using emulator = await startAzureEmulator()
    const dispatcher = new Agent({ connect: { ca: emulator.ca } })
    const post = async (command: string, body: unknown, contentType = 'application/json') => {
      const reply = await fetch(`${emulator.url}/_emulator/${command}`, {
        dispatcher,
        method: 'POST',
        headers: { 'content-type': contentType },
        body: JSON.stringify(body),
      })
      return { status: reply.status, body: JSON.parse(await reply.text()) }
    }
    const seed = {
      tenants: [
        {
          applications: [{ name: 'hasp' }],
          stores: [
            { name: 'one', keys: [{ name: 'kek', bits: 3072 }] },
            { name: 'two', kind: 'managed-hsm' },
          ],
        },
      ],
    }
    const planted = await post('plant-seed', seed)
    expect(planted).toMatchObject({
      status: 200,
      body: {
        tenants: [
          {
            applications: [{ clientSecret: expect.any(String) }],
            stores: [
              { keyIds: [expect.stringContaining('one.vault.azure.net')] },
              { host: 'two.managedhsm.azure.net' },
            ],
          },
        ],
      },
    })
    expect(await post('create-store', { tenantId: 'x', name: 'three' })).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('/tenantId') },
    })
    expect((await post('delete-store', { store: 'nowhere' })).body.error).toContain('nowhere')
    expect((await post('unheard-of', {})).status).toBe(404)
    expect((await post('health', {}, 'text/plain')).status).toBe(415)
    expect(await post('health', {})).toEqual({ status: 200, body: { status: 'ok' } })
    await dispatcher.destroy()
  })
})
