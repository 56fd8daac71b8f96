import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { awsGrantDocuments, newAwsExternalId } from '#kms/aws/grant-documents.ts'
import { azureGrantDocuments } from '#kms/azure/grant-documents.ts'
import { parseAzureKeyId } from '#kms/azure/key-id.ts'
import { gcpGrantDocuments, newGcpAudience } from '#kms/gcp/grant-documents.ts'

const NONCE = 'hasp-01980f3e-7a00-7000-8000-000000000003'
const EXTERNAL_ID = newAwsExternalId()
const PROVIDER = 'projects/123456789012/locations/global/workloadIdentityPools/hasp-pool/providers/hasp'
const aws = (roleArn: string | null) =>
  awsGrantDocuments({
    keyArn: 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
    roleArn,
    externalId: EXTERNAL_ID,
    orgId: '01980f3e-7a00-7000-8000-000000000001',
    principalArn: 'arn:aws:iam::444455556666:role/hasp',
  })
const gcp = (identityProvider: string | null) =>
  gcpGrantDocuments({
    keyName: 'projects/acme-prod/locations/europe-west3/keyRings/hasp/cryptoKeys/kek',
    identityProvider,
    audience: newGcpAudience(),
    ownerNonce: NONCE,
    serviceAccount: 'hasp-runs@hasp-service.iam.gserviceaccount.com',
    subject: '117000000000000000001',
  })
const azure = (suffix: string) =>
  azureGrantDocuments({
    keyId: parseAzureKeyId(`https://contoso.${suffix}/keys/kek/78deebed173b48e48f55abf87ed4cf71`),
    tenantId: '9c1d4a2e-0f6b-4b7e-8f53-0d8f6e1c2a77',
    clientId: '11111111-2222-4333-8444-555555555555',
    ownerNonce: NONCE,
  })
const grants = {
  'aws, through a role': aws('arn:aws:iam::111122223333:role/security/hasp'),
  'aws, direct': aws(null),
  'gcp, through a pool': gcp(PROVIDER),
  'gcp, direct': gcp(null),
  'azure, vault': azure('vault.azure.net'),
  'azure, Managed HSM': azure('managedhsm.azure.net'),
}

/** Runs `script` with a cloud's command line that answers as `answers` (a shell `case` on its arguments) says. */
async function runWith(command: 'aws' | 'az' | 'gcloud', answers: string, script: string) {
  const directory = await mkdtemp(join(tmpdir(), 'hasp-commands-'))
  try {
    const log = join(directory, 'calls')
    const fake = `#!/bin/sh\nprintf '%s\\036' "$*" >> ${log}\ncase "$*" in\n${answers}\nesac\n`
    await writeFile(join(directory, command), fake)
    await chmod(join(directory, command), 0o755)
    await writeFile(log, '')
    const shell = spawn('bash', ['--norc', '-c', script], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: `${directory}:${process.env['PATH'] ?? ''}` },
    })
    let stderr = ''
    shell.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    shell.stdout.resume()
    await once(shell, 'close')
    const calls = (await readFile(log, 'utf8')).split('\x1e').filter((call) => call !== '')
    const written = (file: string) => readFile(join(directory, file), 'utf8').catch(() => undefined)
    return { calls, stderr, policySet: await written('policy-with-log.json') }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

const verbsOf = (calls: readonly string[]) => calls.map((call) => call.split(' ').slice(0, 2).join(' '))

describe.each(Object.entries(grants))('the commands that Hasp prints (%s)', (_, { cli, logCheck }) => {
  it.each(['bash', 'sh'])('are read by %s without an error', async (shell) => {
    for (const text of [cli.body, logCheck.command])
      await expect(promisify(execFile)(shell, ['-n', '-c', text])).resolves.toMatchObject({ stderr: '' })
  })

  it('say what each step is for, with a blank line between steps', () => {
    for (const step of cli.body.split('\n\n')) expect(step).toMatch(/^(?:# |az login )/)
  })

  it('look into the log by a command that can be copied alone', () => {
    expect(logCheck.command).toMatch(/^(?:aws|az|gcloud) [^\n]+[^.\n]$/)
    expect(logCheck.note).toMatch(/^It [^]*\.$/)
  })

  it('hide no error', () => {
    expect(cli.body).not.toMatch(/\|\| true|2>\/dev\/null/)
  })
})

describe('the commands for AWS', () => {
  const { body } = grants['aws, through a role'].cli
  const error = (code: string) => `echo 'An error occurred (${code}) when calling GetRole: no.' >&2; exit 254`

  it('make the role where there is none', async () => {
    const { calls, stderr } = await runWith('aws', `'iam get-role'*) ${error('NoSuchEntity')} ;;`, body)
    expect(verbsOf(calls)).toEqual([
      'iam get-role',
      'iam create-role',
      'iam put-role-policy',
      'kms get-key-policy',
    ])
    expect(calls[1]).toContain(EXTERNAL_ID)
    expect(stderr).toBe('')
  })

  it('bring a role that is there already up to date', async () => {
    const { calls } = await runWith('aws', `'iam get-role'*) echo '{"Role": {}}' ;;`, body)
    expect(verbsOf(calls)).toEqual([
      'iam get-role',
      'iam update-assume-role-policy',
      'iam update-role',
      'iam put-role-policy',
      'kms get-key-policy',
    ])
    expect(calls[1]).toContain(EXTERNAL_ID)
  })

  it('show any other error, and neither make nor change a role for it', async () => {
    const { calls, stderr } = await runWith('aws', `'iam get-role'*) ${error('AccessDenied')} ;;`, body)
    expect(stderr).toContain('AccessDenied')
    expect(verbsOf(calls)).not.toContain('iam create-role')
    expect(verbsOf(calls)).not.toContain('iam update-assume-role-policy')
  })

  it.each(['aws, through a role', 'aws, direct'] as const)(
    'ask the region of the key, whichever the AWS CLI is set to (%s)',
    async (form) => {
      const { calls } = await runWith('aws', `'kms describe-key'*) echo '' ;;`, grants[form].cli.body)
      const ofKms = calls.filter((call) => call.startsWith('kms '))
      expect(ofKms.length).toBeGreaterThan(0)
      for (const call of ofKms) {
        const [, region] = /--key-id arn:aws:kms:([^:]+):/.exec(call) ?? []
        expect(call).toContain(`--region ${region} `)
      }
    },
  )

  it('keep what the description of a key says already, and add the word once', async () => {
    const direct = grants['aws, direct'].cli.body
    const described = (description: string) =>
      runWith('aws', `'kms describe-key'*) echo '${description}' ;;`, direct)
    const updateOf = async (description: string) =>
      (await described(description)).calls.find((call) => call.startsWith('kms update-key-description'))
    expect(await updateOf('Payments KEK')).toMatch(new RegExp(`--description Payments KEK ${EXTERNAL_ID}$`))
    expect(await updateOf('')).toMatch(new RegExp(`--description ${EXTERNAL_ID}$`))
    expect(await updateOf(`Payments KEK ${EXTERNAL_ID}`)).toBeUndefined()
  })
})

describe('the commands for Azure', () => {
  const { body } = grants['azure, vault'].cli
  const found = `'ad sp list'*) echo found-principal ;;`

  it('make the service principal only where there is none', async () => {
    const known = await runWith('az', found, body)
    expect(verbsOf(known.calls)).toContain('role assignment')
    expect(known.calls.join('\n')).not.toContain('ad sp create')
    expect(known.calls.join('\n')).toContain('--assignee-object-id found-principal')
    const unknown = await runWith('az', `'ad sp create'*) echo new-principal ;;`, body)
    expect(unknown.calls.join('\n')).toContain('--assignee-object-id new-principal')
  })

  it('show why the service principal can not be looked up, and do not make one for that', async () => {
    const { calls, stderr } = await runWith('az', `'ad sp list'*) echo 'Forbidden' >&2; exit 1 ;;`, body)
    expect(stderr).toContain('Forbidden')
    expect(calls.join('\n')).not.toContain('ad sp create')
  })

  it('give along the tags that the key has, and write none where they can not be read', async () => {
    const merged = '{"tags": {"team": "red team", "hasp-kek": "x"}}'
    const answers = `${found}\n'rest --method get'*) echo '${merged}' ;;`
    const { calls } = await runWith('az', answers, body)
    const read = calls.find((call) => call.startsWith('rest --method get'))
    expect(read).toContain(`merge(tags || \`{}\`, \`{"hasp-kek": "${NONCE}"}\`)`)
    const write = calls.find((call) => call.startsWith('rest --method patch'))
    expect(write).toContain(`--body ${merged}`)
    expect(body).not.toContain('--tags')

    const refused = await runWith(
      'az',
      `${found}\n'rest --method get'*) echo 'Forbidden' >&2; exit 1 ;;`,
      body,
    )
    expect(refused.stderr).toContain('Forbidden')
    expect(refused.calls.join('\n')).not.toContain('rest --method patch')
  })

  it('assign the role of a Managed HSM once', async () => {
    const hsm = grants['azure, Managed HSM'].cli.body
    const create = 'keyvault role assignment create'
    expect((await runWith('az', found, hsm)).calls.join('\n')).toContain(create)
    const assigned = `${found}\n'keyvault role assignment list'*) echo /keys/kek/1 ;;`
    expect((await runWith('az', assigned, hsm)).calls.join('\n')).not.toContain(create)
  })

  it('say where the id of the workspace comes from, as the Terraform form does', () => {
    const { cli, terraform } = grants['azure, vault']
    for (const form of [cli.body, terraform.body])
      expect(form).toContain('<resource id of your Log Analytics workspace>')
    expect(cli.body).toContain('az monitor log-analytics workspace list')
    expect(cli.body.indexOf('LOG_WORKSPACE_ID=')).toBeLessThan(cli.body.indexOf('"$LOG_WORKSPACE_ID"'))
  })
})

describe('the commands for Google', () => {
  const { body, title } = grants['gcp, through a pool'].cli
  const joined = (calls: readonly string[]) => calls.join('\n')

  it('are those of the gcloud CLI', () => {
    expect(title).toBe('gcloud CLI')
  })

  it('make the pool and its provider where there are none, and else bring the provider up to date', async () => {
    const fresh = joined((await runWith('gcloud', '', body)).calls)
    expect(fresh).toContain('workload-identity-pools create hasp-pool')
    expect(fresh).toContain('providers create-oidc hasp')
    const answers = `*'pools list'*) echo pool ;;\n*'providers list'*) echo provider ;;`
    const again = joined((await runWith('gcloud', answers, body)).calls)
    expect(again).not.toContain('pools create')
    expect(again).toContain('providers update-oidc hasp')
    const refused = joined((await runWith('gcloud', `*list*) exit 1 ;;`, body)).calls)
    expect(refused).not.toMatch(/pools create|create-oidc|update-oidc/)
  })

  it('add Cloud KMS to the audit configs of the project, and keep everything else of its policy', async () => {
    const exempted = { logType: 'DATA_READ', exemptedMembers: ['user:quiet@example.com'] }
    const policy = {
      auditConfigs: [
        { service: 'storage.googleapis.com', auditLogConfigs: [{ logType: 'DATA_READ' }] },
        { service: 'cloudkms.googleapis.com', auditLogConfigs: [{ logType: 'ADMIN_READ' }, exempted] },
      ],
      bindings: [{ role: 'roles/owner', members: ['user:owner@example.com'] }],
      etag: 'BwXyz',
      version: 3,
    }
    const answers = `'projects get-iam-policy'*) echo '${JSON.stringify(policy)}' ;;`
    const { calls, policySet, stderr } = await runWith('gcloud', answers, body)
    if (stderr.includes('jq: command not found')) {
      console.warn('jq is not on PATH: what the commands make of a policy is not tried, only that they stop.')
      expect(joined(calls)).not.toContain('set-iam-policy')
      return
    }
    const [storage] = policy.auditConfigs
    const kms = {
      service: 'cloudkms.googleapis.com',
      auditLogConfigs: [{ logType: 'ADMIN_READ' }, exempted, { logType: 'DATA_WRITE' }],
    }
    expect(JSON.parse(policySet ?? '')).toEqual({ ...policy, auditConfigs: [storage, kms] })
    expect(calls.at(-1)).toBe('projects set-iam-policy acme-prod policy-with-log.json')

    const bare = await runWith('gcloud', `'projects get-iam-policy'*) echo '{"etag": "B"}' ;;`, body)
    expect(JSON.parse(bare.policySet ?? '')).toEqual({
      etag: 'B',
      auditConfigs: [
        {
          service: 'cloudkms.googleapis.com',
          auditLogConfigs: [{ logType: 'DATA_READ' }, { logType: 'DATA_WRITE' }],
        },
      ],
    })
  })

  it('set no policy where the present one can not be read', async () => {
    const { calls } = await runWith('gcloud', `'projects get-iam-policy'*) exit 1 ;;`, body)
    expect(joined(calls)).toContain('projects get-iam-policy')
    expect(joined(calls)).not.toContain('set-iam-policy')
  })
})
