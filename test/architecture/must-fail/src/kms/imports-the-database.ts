// refused: src/kms may not import this
import type { Database } from '#db/database.ts'

export type Store = Database
