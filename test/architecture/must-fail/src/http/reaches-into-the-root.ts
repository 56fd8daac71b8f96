// refused: src/http may not import this
import type { Services } from '#context/services.ts'

export type Everything = Services
