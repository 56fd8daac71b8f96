import { afterAll } from 'vitest'
import { describeGoogleKms } from '../gcp-kms.behaviour.ts'
import { describeKekProvider } from '../kek-provider.contract.ts'
import { openExternalGcpKms } from './external-gcp-kms.ts'

/**
 * The contract suite, and what Hasp relies on, on a Google Cloud KMS of somebody else: a real project, another emulator. Run with
 * `npm run test:contract:external`; docs/kms-gcp.md says with which environment.
 */
const keyName = process.env['TEST_GCP_KEY_NAME'] ?? ''
const foreignKeyName = process.env['TEST_GCP_FOREIGN_KEY_NAME'] ?? ''
if (keyName === '' || foreignKeyName === '') {
  throw new Error(
    'Set TEST_GCP_KEY_NAME and TEST_GCP_FOREIGN_KEY_NAME (projects/…/cryptoKeys/…) and credentials: see docs/kms-gcp.md.',
  )
}
const external = openExternalGcpKms({
  keyName,
  foreignKeyName,
  restUrl: process.env['TEST_GCP_REST_URL'] ?? 'https://cloudkms.googleapis.com',
  deployment: {
    credentialsFile: process.env['TEST_GCP_CREDENTIALS_FILE'],
    kmsEndpoint: process.env['TEST_GCP_KMS_ENDPOINT'],
    authEndpoint: process.env['TEST_GCP_AUTH_ENDPOINT'],
    caFile: process.env['TEST_GCP_CA_FILE'],
  },
})
afterAll(() => external[Symbol.asyncDispose]())

describeKekProvider('gcp (external)', () => external.startKek())
describeGoogleKms('of somebody else', () => external.startKms())
