import type { EncryptionContext } from '#envelope/encryption-context.ts'
import { generateDek } from '#envelope/record-key.ts'
import type { KekProvider } from '#kms/kek-provider.ts'

/** The context of some record, for tests that wrap and unwrap without a database. */
export const CONTEXT: EncryptionContext = {
  org: '01980f3e-7a00-7000-8000-000000000001',
  record: '01980f3e-7a00-7000-8000-000000000002',
  purpose: 'credential',
  provider: 'openai',
  environment: 'production',
  kek: '01980f3e-7a00-7000-8000-000000000003',
  generation: 1,
}

/** Whether a KEK does all that Hasp asks of one: wrap, unwrap to the same DEK, and be described as enabled. */
export async function isServing(provider: KekProvider): Promise<boolean> {
  using dek = generateDek()
  const { wrappedDek } = await provider.wrap(dek, CONTEXT)
  const unwrapped = await provider.unwrap(wrappedDek, CONTEXT)
  using again = unwrapped.dek
  const { isEnabled } = await provider.describe()
  return again.equals(dek) && isEnabled
}
