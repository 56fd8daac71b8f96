// refused: src/envelope may not import this
import type { KekProvider } from '#kms/kek-provider.ts'

export type Sealer = KekProvider
