// refused: src/targets may not import this
import { AwsKekProvider } from '#kms/aws/aws-kek-provider.ts'

export const provider = AwsKekProvider
