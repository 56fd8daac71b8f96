import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startOneProject } from './one-project.ts'

describe('the emulator of Google Cloud', () => {
  let project: Awaited<ReturnType<typeof startOneProject>>
  beforeEach(async () => {
    project = await startOneProject()
  })
  afterEach(() => project[Symbol.asyncDispose]())

  const encrypt = () => project.owner('POST', `${project.keyName}:encrypt`, { plaintext: 'AAAA' })
  const timed = async (call: () => Promise<unknown>) => {
    const startedAtMs = performance.now()
    await call()
    return performance.now() - startedAtMs
  }
  const command = (name: string, body: unknown, init: RequestInit = {}) =>
    fetch(`${project.emulator.url}/_emulator/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      ...init,
    })

  it('fails as often as it is told, over gRPC with all details of the status', async () => {
    project.control.injectFault({
      operation: 'Encrypt',
      effect: {
        type: 'error',
        code: 'FAILED_PRECONDITION',
        message: 'As it is told: 100 %.',
        reason: 'SOME_REASON',
        violations: [{ type: 'EXTERNAL_UNAVAILABLE', description: 'far away' }],
        retryDelayMs: 1250,
      },
    })
    const grpc = project.grpcAs(project.ownerToken)
    const error: unknown = await grpc
      .encrypt({ name: project.keyName, plaintext: Buffer.from('x') })
      .catch((e: unknown) => e)
    expect(error).toMatchObject({
      code: 9,
      details: 'As it is told: 100 %.',
      reason: 'SOME_REASON',
      statusDetails: expect.arrayContaining([
        expect.objectContaining({ violations: [expect.objectContaining({ type: 'EXTERNAL_UNAVAILABLE' })] }),
      ]),
    })
    expect((await encrypt()).status).toBe(200)
  })

  it('loses a request, or only its answer', async () => {
    project.control.logDataAccess({ projectId: 'acme-prod' })
    for (const [type, entries] of [
      ['reset', 0],
      ['reset-reply', 1],
    ] as const) {
      project.control.clearEntries()
      project.control.injectFault({ operation: 'Encrypt', effect: { type } })
      await expect(encrypt()).rejects.toThrow('fetch failed')
      expect(project.control.entries({ methodName: 'Encrypt' })).toHaveLength(entries)
    }
  })

  it('is slow for one method, or for one region, as it is told', async () => {
    project.control.setLatency({ operation: 'location:europe-west3', latencyMs: 150 })
    expect(await timed(encrypt)).toBeGreaterThanOrEqual(145)
    const { keyName } = project.control.createKey({
      projectId: 'acme-prod',
      cryptoKey: 'k',
      location: 'us-east1',
    })
    const elsewhere = await timed(() => project.owner('POST', `${keyName}:encrypt`, { plaintext: 'AAAA' }))
    expect(elsewhere).toBeLessThan(145)
    project.control.clearFaults()
    project.control.setLatency({ operation: 'Encrypt', latencyMs: 150 })
    expect(await timed(encrypt)).toBeGreaterThanOrEqual(145)
    expect(await timed(() => project.owner('GET', project.keyName))).toBeLessThan(145)
  })

  it('is told what to do from another process, and says what does not fit', async () => {
    const disable = { keyName: project.keyName, state: 'DISABLED' }
    expect((await command('set-version-state', disable)).status).toBe(200)
    expect((await encrypt()).status).toBe(400)
    const refusals = [
      [await command('set-version-state', { ...disable, state: 'OFF' }), 400, /Bad input/],
      [await command('set-version-state', { ...disable, keyName: 'projects/x' }), 400, /There is no/],
      [await command('set-version-state', { ...disable, more: 1 }), 400, /Bad input/],
      [await command('nonsense', {}), 404, /no control command/],
      [await command('health', undefined, { method: 'GET', body: null }), 405, /POSTed/],
      [await command('health', {}, { headers: { 'content-type': 'text/plain' } }), 415, /application\/json/],
      [await command('create-role', { name: 'x', permissions: [] }), 400, /custom role/],
      [await command('create-identity-provider', { name: 'x', oidc: { issuerUri: 'y' } }), 400, /project/],
      [await command('create-project', { projectId: 'acme-prod' }), 400, /exists already/],
    ] as const
    for (const [reply, status, message] of refusals) {
      const { error } = (await reply.json()) as { error: string }
      expect([reply.status, error]).toEqual([status, expect.stringMatching(message)])
    }
  })

  it('plants a seed', async () => {
    const reply = await command('plant-seed', {
      projects: [
        {
          projectId: 'seeded-one',
          serviceAccounts: [{ name: 'account' }],
          keys: [{ cryptoKey: 'k' }],
          isDataAccessLogged: true,
        },
      ],
    })
    expect(await reply.json()).toMatchObject({
      serviceAccounts: [{ email: 'account@seeded-one.iam.gserviceaccount.com' }],
      keys: [{ keyName: 'projects/seeded-one/locations/europe-west3/keyRings/hasp/cryptoKeys/k' }],
    })
  })

  it('makes key rings and keys over the API, in their own project alone', async () => {
    const location = 'projects/acme-prod/locations/us-east1'
    await project.owner('POST', `${location}/keyRings?keyRingId=fresh`, {})
    const made = await project.owner('POST', `${location}/keyRings/fresh/cryptoKeys?cryptoKeyId=one`, {
      purpose: 'ENCRYPT_DECRYPT',
      versionTemplate: { protectionLevel: 'HSM' },
      destroyScheduledDuration: '86400s',
    })
    expect(made.body).toMatchObject({
      name: `${location}/keyRings/fresh/cryptoKeys/one`,
      destroyScheduledDuration: '86400s',
      primary: { state: 'ENABLED', protectionLevel: 'HSM' },
    })
    const labelled = await project.owner('PATCH', `${made.body.name}?updateMask=labels`, {
      labels: { a: 'b' },
    })
    expect(labelled.body.labels).toEqual({ a: 'b' })
    const masked = await project.owner('PATCH', `${made.body.name}?updateMask=purpose`, { purpose: 'MAC' })
    expect(masked.body.error.message).toContain('labels')
    expect((await project.owner('POST', `${location}/keyRings?keyRingId=fresh`, {})).body.error.status).toBe(
      'ALREADY_EXISTS',
    )
    const elsewhere = await project.owner(
      'POST',
      'projects/nowhere/locations/us-east1/keyRings?keyRingId=x',
      {},
    )
    expect(elsewhere.status).toBe(403)
  })

  it.each([
    ['GET', '/v1/nothing', undefined, 404],
    ['POST', '/v1/projects/acme-prod:setIamPolicy', '[]', 400],
    ['POST', '/v1/projects/acme-prod:setIamPolicy', '{', 400],
  ])('answers %s %s with a body of %s by %i', async (method, path, body, status) => {
    const headers = { authorization: `Bearer ${project.ownerToken}` }
    const reply = await fetch(project.emulator.url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    })
    expect(reply.status).toBe(status)
    expect(await reply.json()).toMatchObject({ error: { code: status } })
  })

  it('outlives clients that speak nonsense', async () => {
    const port = Number(new URL(project.emulator.url).port)
    for (const bytes of ['\u0016\u0003garbage', 'GARBAGE\r\n\r\n', '']) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {}).resume()
      socket.end(bytes)
      await new Promise((resolve) => socket.on('close', resolve))
    }
    expect((await encrypt()).status).toBe(200)
  })
})
