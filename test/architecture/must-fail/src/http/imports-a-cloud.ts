// refused: src/http may not import this
import type { AwsKekProvider } from '#kms/aws/aws-kek-provider.ts'

export type Provider = AwsKekProvider
