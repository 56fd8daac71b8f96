import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ENCRYPTER_DECRYPTER, startOneProject } from './one-project.ts'

/** The client's types want of these requests the method that protobufjs gives its own objects. */
const message = { toJSON: () => ({}) }

const USE = ['cloudkms.cryptoKeyVersions.useToEncrypt', 'cloudkms.cryptoKeyVersions.useToDecrypt']
const ADMIN = [
  'cloudkms.cryptoKeys.setIamPolicy',
  'cloudkms.cryptoKeyVersions.destroy',
  'cloudkms.cryptoKeys.get',
]

describe('IAM policies', () => {
  let project: Awaited<ReturnType<typeof startOneProject>>
  let member: string
  beforeEach(async () => {
    project = await startOneProject()
    member = `serviceAccount:${project.account.email}`
  })
  afterEach(() => project[Symbol.asyncDispose]())

  const encryptAsStranger = async () =>
    project.restAs(await project.strangerToken())('POST', `${project.keyName}:encrypt`, { plaintext: 'AAAA' })
  const grant = (resource: string, role: string) =>
    project.control.addBinding({ resource, binding: { role, members: [member] } })

  it('let nobody in by themselves, and never tell whether a key exists', async () => {
    const stranger = project.restAs(await project.strangerToken())
    for (const keyName of [project.keyName, `${project.keyName}-missing`]) {
      const { body, status } = await stranger('POST', `${keyName}:decrypt`, { ciphertext: 'AAAA' })
      expect(status).toBe(403)
      expect(body.error.message).toBe(
        `Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied on resource '${keyName}' (or it may not exist).`,
      )
    }
    const owner = await project.owner('GET', `${project.keyName}-missing`)
    expect(owner.body.error).toMatchObject({
      status: 'NOT_FOUND',
      message: `CryptoKey ${project.keyName}-missing not found.`,
    })
  })

  it.each([
    ['the key', (name: string) => name],
    ['its key ring', (name: string) => name.replace(/\/cryptoKeys.*/, '')],
    ['its project', () => 'projects/acme-prod'],
  ])('on %s let the key be used', async (_, resourceOf) => {
    grant(resourceOf(project.keyName), ENCRYPTER_DECRYPTER)
    expect((await encryptAsStranger()).status).toBe(200)
  })

  it.each([
    ['roles/cloudkms.cryptoKeyDecrypter', 403],
    ['roles/cloudkms.cryptoKeyEncrypter', 200],
    ['roles/cloudkms.admin', 403],
    ['roles/cloudkms.viewer', 403],
    ['roles/editor', 200],
  ])('with role %s answer Encrypt with %i', async (role, status) => {
    grant(project.keyName, role)
    expect((await encryptAsStranger()).status).toBe(status)
  })

  it('know custom roles', async () => {
    const name = 'projects/acme-prod/roles/onlyEncrypt'
    project.control.createRole({ name, permissions: ['cloudkms.cryptoKeyVersions.useToEncrypt'] })
    grant(project.keyName, name)
    expect((await encryptAsStranger()).status).toBe(200)
  })

  it('answer testIamPermissions on key, ring and project, over REST and gRPC, with what is granted and no more', async () => {
    grant(project.keyName, ENCRYPTER_DECRYPTER)
    const token = await project.strangerToken()
    const stranger = project.restAs(token)
    const asked = { permissions: [...USE, ...ADMIN] }
    const ring = project.keyName.replace(/\/cryptoKeys.*/, '')
    expect((await stranger('POST', `${project.keyName}:testIamPermissions`, asked)).body.permissions).toEqual(
      USE,
    )
    expect((await stranger('POST', `${ring}:testIamPermissions`, asked)).body.permissions).toEqual([])
    expect((await stranger('POST', 'projects/acme-prod:testIamPermissions', asked)).body.permissions).toEqual(
      [],
    )
    const [granted] = await project
      .grpcAs(token)
      .testIamPermissions({ resource: project.keyName, ...asked, ...message })
    expect(granted.permissions).toEqual(USE)
    const unknown = await stranger('POST', `${project.keyName}:testIamPermissions`, {
      permissions: ['cloudkms.nothing.at'],
    })
    expect(unknown.body.error.status).toBe('INVALID_ARGUMENT')
  })

  it('are read and replaced by whoever may, with an etag, after their delay', async () => {
    project.control.setDelays({ policyDelayMs: 30_000 })
    const grpc = project.grpcAs(project.ownerToken)
    const [before] = await grpc.getIamPolicy({ resource: project.keyName, ...message })
    const bindings = [{ role: ENCRYPTER_DECRYPTER, members: [member] }]
    const [after] = await grpc.setIamPolicy({
      resource: project.keyName,
      policy: { etag: before.etag, bindings },
      ...message,
    })
    expect(after.bindings).toMatchObject(bindings)
    expect((await encryptAsStranger()).status).toBe(403)
    project.control.advanceClock({ ms: 30_000 })
    expect((await encryptAsStranger()).status).toBe(200)
    const stale = project.owner('POST', `${project.keyName}:setIamPolicy`, {
      policy: { etag: 'c3RhbGU=', bindings: [] },
    })
    expect((await stale).body.error.status).toBe('ABORTED')
    const stranger = project.restAs(await project.strangerToken())
    expect(
      (await stranger('POST', `${project.keyName}:setIamPolicy`, { policy: { bindings: [] } })).status,
    ).toBe(403)
  })

  it.each([
    [{ bindings: [{ role: 'roles/nothing', members: [] }] }, /Role roles\/nothing/],
    [{ bindings: [{ role: 'roles/owner', members: ['root'] }] }, /Invalid member/],
    [{ bindings: [{ role: 'roles/owner', members: ['group:all@example.com'] }] }, /no groups/],
    [{ bindings: [{ role: 'roles/owner', members: [], condition: { expression: 'true' } }] }, /conditions/],
    [{ bindings: 'all' }, /bindings/],
    [{ auditConfigs: [{ service: 'allServices', auditLogConfigs: [] }] }, /policy of a project/],
  ])('that it could not judge exactly are refused: %j', async (policy, message) => {
    const { body } = await project.owner('POST', `${project.keyName}:setIamPolicy`, { policy })
    expect(body.error.status).toBe('INVALID_ARGUMENT')
    expect(body.error.message).toMatch(message)
  })

  it('do not matter where the API is not enabled', async () => {
    project.control.setApiEnabled({ projectId: 'acme-prod', isEnabled: false })
    const { body } = await project.owner('POST', `${project.keyName}:encrypt`, { plaintext: 'AAAA' })
    expect(body.error.status).toBe('PERMISSION_DENIED')
    expect(body.error.details[0]).toMatchObject({ reason: 'SERVICE_DISABLED', domain: 'googleapis.com' })
  })
})
