// refused: Across folders write #folder/file.ts.
export { KekFault } from '../../../../src/kms/kek-fault.ts'
