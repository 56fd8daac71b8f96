// refused: src/access may import only types of src/targets
import { findTarget } from '#targets/repository.ts'

export const find = findTarget
