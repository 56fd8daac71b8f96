// refused: src/ledger may not import this
import type { Kek } from '#keks/kek.ts'

export type Subject = Kek
