import type { CustomerAws } from '../proxy/systems/customer-aws.ts'
import type { ManagementApi } from './management-api.ts'

/** Registers the customer's KEK with an unwrap mode, has it granted and verified. @returns its id */
export async function registerKek(
  api: ManagementApi,
  { keyArn, roleArn, grant }: Pick<CustomerAws, 'keyArn' | 'roleArn' | 'grant'>,
  unwrapMode: 'cached' | 'shared' | 'strict',
): Promise<string> {
  const kek = await api('POST', '/keks', { name: 'main', provider: 'aws', keyArn, roleArn, unwrapMode })
  const { id: orgId } = await api('GET', '/organisation')
  // The API's schema promises `access` of a KEK in AWS to be an object with an externalId.
  const { externalId } = kek['access'] as { externalId: string }
  await grant(externalId, String(orgId))
  const verification = await api('POST', `/keks/${String(kek['id'])}/verify`)
  if (verification['isPassed'] !== true)
    throw new Error(`The KEK is not verified: ${JSON.stringify(verification)}`)
  return String(kek['id'])
}
