import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectAzureEmulator } from '#emulators/azure/control/control-client.ts'
import { runCli, Seen, startCli } from '../support/run-cli.ts'
import { startHasp } from '../support/running-hasp.ts'

const seen = new Seen()
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hasp-emulate-azure-'))
})
afterAll(() => rm(directory, { recursive: true }))

type Emulated = {
  url: string
  environment: Record<string, string>
  tenants: { tenantId: string; stores: { host: string; keyIds: string[] }[] }[]
}

describe('hasp emulate azure', () => {
  it.each([
    ['a vault', [], 'Key Vault Crypto Service Encryption User'],
    ['a Managed HSM', ['--hsm'], 'Managed HSM Crypto Service Encryption User'],
  ])(
    'prints an environment with which Hasp, started by it alone, proves a KEK in %s',
    async (_, more, role) => {
      const auditLog = join(directory, `audit${more.join('')}.ndjson`)
      await using azure = startCli(
        seen,
        ['emulate', 'azure', '--port', '0', '--json', '--audit-log', auditLog, ...more],
        {},
      )
      await azure.printed('\n}\n')
      const { url, environment, tenants }: Emulated = JSON.parse(azure.stdout())
      const customer = tenants[1]
      const [store] = customer?.stores ?? []
      const [keyId] = store?.keyIds ?? []
      if (customer === undefined || store === undefined || keyId === undefined) throw new Error('No key.')
      expect((await stat(environment['HASP_AZURE_CLIENT_SECRET_FILE'] ?? '')).mode & 0o777).toBe(0o600)

      await using hasp = await startHasp(environment)
      const given = { HASP_URL: hasp.url, HASP_TOKEN: hasp.token }
      const argv = ['kek', 'register', '--provider', 'azure', '--name', 'emulated', '--key-id', keyId]
      const registered = await runCli(seen, [...argv, '--tenant-id', customer.tenantId, '--json'], given)
      expect(registered).toMatchObject({ code: 0, stdout: expect.stringContaining(role) })
      const { id }: { id: string } = JSON.parse(registered.stdout)
      expect((await runCli(seen, ['kek', 'verify', 'emulated'], given)).code).toBe(1)

      const ca = await readFile(environment['HASP_AZURE_CA_FILE'] ?? '', 'utf8')
      const control = connectAzureEmulator(url, ca)
      await control('grant', {
        tenantId: customer.tenantId,
        clientId: environment['HASP_AZURE_CLIENT_ID'] ?? '',
        role,
        store: store.host,
        keyName: 'kek',
      })
      await control('set-key', { keyId, tags: { 'hasp-kek': `hasp-${id}` } })
      const proved = await runCli(seen, ['kek', 'verify', 'emulated'], given)
      expect(proved).toMatchObject({ code: 0, stdout: expect.stringMatching(/✓\s+foreign-context-refused/) })
      expect(await readFile(auditLog, 'utf8')).toContain('"operationName":"KeyUnwrap"')

      azure.child.kill('SIGINT')
      expect(await azure.ended()).toMatchObject({ code: 0 })
      await expect(stat(environment['HASP_AZURE_CLIENT_SECRET_FILE'] ?? '')).rejects.toMatchObject({
        code: 'ENOENT',
      })
    },
  )

  it('refuses a seed that does not fit, naming the fault, and --hsm beside one', async () => {
    const seed = join(directory, 'seed.json')
    await writeFile(seed, JSON.stringify({ tenants: [{ stores: [{ name: 'UPPER' }] }] }))
    const argv = ['emulate', 'azure', '--seed', seed, '--port', '0']
    const refused = await runCli(seen, argv, {})
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('/tenants/0/stores/0/name'),
    })
    expect(await runCli(seen, [...argv, '--hsm'], {})).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--hsm.* cannot be used with .*--seed/),
    })
  })
})
