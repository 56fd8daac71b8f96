// refused: src/db may not import this
import type { Kek } from '#keks/kek.ts'

export type Row = Kek
