// refused: src/config may not import this
import type { Kek } from '#keks/kek.ts'

export type Setting = Kek
