// refused: src/ledger may not import this
import { createContext } from '#context.ts'

export const context = createContext
