// refused: src/targets may import only types of src/keks
import { findKek } from '#keks/repository.ts'

export const find = findKek
