import { afterAll } from 'vitest'
import { describeKekProvider } from '../kek-provider.contract.ts'
import { openExternalKms } from './external-kms.ts'

/**
 * The contract suite on a KMS of somebody else: LocalStack, a real account. Run with `npm run test:contract:external`;
 * docs/docker.md says with which environment.
 */
const endpoint = process.env['TEST_AWS_KMS_ENDPOINT']
if (endpoint === undefined || endpoint === '') {
  throw new Error(
    'Set TEST_AWS_KMS_ENDPOINT (http://127.0.0.1:4566 for LocalStack), TEST_AWS_REGION and AWS credentials: see docs/docker.md.',
  )
}
const external = await openExternalKms({ endpoint, region: process.env['TEST_AWS_REGION'] ?? 'us-east-1' })
afterAll(() => external[Symbol.asyncDispose]())

for (const dekTransport of ['bytes', 'sdk'] as const) {
  describeKekProvider(`aws (external, ${dekTransport})`, () => external.startKek(dekTransport), [
    'a key pending deletion',
  ])
}
