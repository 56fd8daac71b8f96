// refused: src/emulators may not import this
import { sealRecord } from '#envelope/seal.ts'

export const seal = sealRecord
