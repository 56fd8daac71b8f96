import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startOneProject } from './one-project.ts'

describe('Cloud Audit Logs', () => {
  it('hold no use of a key until the project’s policy says so, and its administration always', async () => {
    await using project = await startOneProject()
    const encrypt = (reason: string) =>
      project.owner(
        'POST',
        `${project.keyName}:encrypt`,
        { plaintext: 'AAAA' },
        { 'x-goog-request-reason': reason },
      )
    await encrypt('before')
    await project.owner('PATCH', `${project.versionName}?updateMask=state`, { state: 'ENABLED' })
    expect(project.control.entries().map(({ protoPayload }) => protoPayload.methodName)).toEqual([
      'UpdateCryptoKeyVersion',
    ])
    const policy = (await project.owner('POST', 'projects/acme-prod:getIamPolicy', {})).body
    const auditConfigs = [
      {
        service: 'cloudkms.googleapis.com',
        auditLogConfigs: [{ logType: 'DATA_READ' }, { logType: 'DATA_WRITE' }],
      },
    ]
    const set = await project.owner('POST', 'projects/acme-prod:setIamPolicy', {
      policy: { ...policy, auditConfigs },
    })
    expect(set.body.auditConfigs).toEqual(auditConfigs)
    await encrypt('after')
    expect(project.control.entries({ reason: 'before' })).toEqual([])
    expect(project.control.entries({ reason: 'after' })).toHaveLength(1)
  })

  it('hold a use in the shape of Cloud Logging, with who, what, why and whether, and nothing secret', async () => {
    await using project = await startOneProject()
    project.control.logDataAccess({ projectId: 'acme-prod' })
    const plaintext = Buffer.from('the very secret').toString('base64')
    await project.owner(
      'POST',
      `${project.keyName}:encrypt`,
      { plaintext },
      {
        'x-goog-request-reason': 'why-1',
        'user-agent': 'agent/1',
      },
    )
    const [entry] = project.control.entries({ reason: 'why-1' })
    expect(entry).toMatchObject({
      logName: 'projects/acme-prod/logs/cloudaudit.googleapis.com%2Fdata_access',
      severity: 'INFO',
      resource: {
        type: 'cloudkms_cryptokey',
        labels: {
          project_id: 'acme-prod',
          location: 'europe-west3',
          key_ring_id: 'ring',
          crypto_key_id: 'kek',
        },
      },
      protoPayload: {
        '@type': 'type.googleapis.com/google.cloud.audit.AuditLog',
        serviceName: 'cloudkms.googleapis.com',
        methodName: 'Encrypt',
        resourceName: project.keyName,
        status: {},
        authenticationInfo: { principalEmail: 'owner@acme-prod.example' },
        authorizationInfo: [
          { resource: project.keyName, permission: 'cloudkms.cryptoKeyVersions.useToEncrypt', granted: true },
        ],
        requestMetadata: {
          callerIp: '127.0.0.1',
          callerSuppliedUserAgent: 'agent/1',
          requestAttributes: { reason: 'why-1' },
        },
        request: { '@type': 'type.googleapis.com/google.cloud.kms.v1.EncryptRequest', name: project.keyName },
        resourceLocation: { currentLocations: ['europe-west3'] },
      },
    })
    expect(JSON.stringify(entry)).not.toContain(plaintext)
  })

  it('hold a refusal with its status, and who was refused', async () => {
    await using project = await startOneProject()
    project.control.logDataAccess({ projectId: 'acme-prod' })
    const stranger = project.restAs(await project.strangerToken())
    await stranger('POST', `${project.keyName}:decrypt`, { ciphertext: 'AAAA' })
    const [entry] = project.control.entries({ methodName: 'Decrypt' })
    expect(entry).toMatchObject({
      severity: 'ERROR',
      protoPayload: { status: { code: 7 }, authorizationInfo: [{ granted: false }] },
    })
    expect(entry?.protoPayload.authenticationInfo).toMatchObject({ principalEmail: project.account.email })
    expect(String(entry?.protoPayload.authenticationInfo['serviceAccountKeyName'])).toContain('/keys/')
  })

  it('leave exempted members out, and are awaited and appended to a file', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'hasp-google-log-'))
    const ndjsonPath = join(directory, 'entries.ndjson')
    {
      await using project = await startOneProject({ auditLog: { ndjsonPath } })
      const { control } = project
      const policy = {
        bindings: [{ role: 'roles/owner', members: ['user:owner@acme-prod.example'] }],
        auditConfigs: [
          {
            service: 'allServices',
            auditLogConfigs: [
              { logType: 'ADMIN_READ' as const, exemptedMembers: ['user:owner@acme-prod.example'] },
            ],
          },
        ],
      }
      control.setPolicy({ resource: 'projects/acme-prod', policy })
      await project.owner('GET', project.keyName)
      expect(control.entries()).toEqual([])
      const coming = control.waitForEntry({ log: 'activity' })
      await project.owner('POST', `${project.keyName}/cryptoKeyVersions`, {})
      expect((await coming).protoPayload.methodName).toBe('CreateCryptoKeyVersion')
      await expect(control.waitForEntry({ reason: 'never' }, 10)).rejects.toThrow(/10 ms/)
    }
    const lines = (await readFile(ndjsonPath, 'utf8')).trim().split('\n')
    expect(lines.map((line) => JSON.parse(line).protoPayload.methodName)).toEqual(['CreateCryptoKeyVersion'])
    await rm(directory, { recursive: true })
  })
})
