import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { FINDINGS } from '#kms/aws/key-right-findings.ts'
import { parseAzureKeyId } from '#kms/azure/key-id.ts'
import { lintAttempts } from '#kms/azure/lint-attempts.ts'
import { PLACES } from '#kms/gcp/lint-permissions.ts'
import { root } from './pages.ts'

const version = '0123456789abcdef0123456789abcdef'
const azureCodes = lintAttempts(parseAzureKeyId(`https://vault-one.vault.azure.net/keys/kek/${version}`)).map(
  ({ finding }) => finding.code,
)
const gcpCodes = Object.values(PLACES).flatMap(({ surplus }) => surplus.map(({ code }) => code))

it.each([...Object.keys(FINDINGS), ...gcpCodes, ...azureCodes])(
  'docs/onboarding.md names the finding %s',
  async (code) => {
    expect(await readFile(`${root}docs/onboarding.md`, 'utf8')).toContain(`\`${code}\``)
  },
)
