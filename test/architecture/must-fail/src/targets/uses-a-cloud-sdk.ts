// refused: src/targets may not use this package
import { KMSClient } from '@aws-sdk/client-kms'

export const client = new KMSClient({})
