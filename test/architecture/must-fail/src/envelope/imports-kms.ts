// refused: src/envelope may not import this
import { KekFault } from '#kms/kek-fault.ts'

export const fault = new KekFault('ours', 'x', 'The envelope knows no KMS.')
