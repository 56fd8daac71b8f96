// refused: src/http may import only types of src/db
import { openDatabase } from '#db/database.ts'

export const open = openDatabase
