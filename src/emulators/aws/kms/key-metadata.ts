import type { JsonObject } from './input.ts'
import type { KmsKey } from './kms-key.ts'

/** `KeyMetadata` of CreateKey and DescribeKey: shows what was recorded last, even before it bites. */
export function keyMetadata(kmsKey: KmsKey): JsonObject {
  const state = kmsKey.state.recorded()
  return {
    AWSAccountId: kmsKey.accountId,
    KeyId: kmsKey.keyId,
    Arn: kmsKey.arn,
    CreationDate: kmsKey.createdAtMs / 1000,
    Enabled: state === 'Enabled',
    Description: kmsKey.description,
    KeyUsage: 'ENCRYPT_DECRYPT',
    KeyState: state,
    ...(kmsKey.deletionAtMs === undefined ? {} : { DeletionDate: kmsKey.deletionAtMs / 1000 }),
    Origin: kmsKey.origin,
    KeyManager: 'CUSTOMER',
    CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
    KeySpec: 'SYMMETRIC_DEFAULT',
    EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
    MultiRegion: kmsKey.isMultiRegion,
    CurrentKeyMaterialId: kmsKey.current.materialId,
  }
}
