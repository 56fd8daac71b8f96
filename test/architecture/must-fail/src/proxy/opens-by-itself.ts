// refused: src/proxy may import only types of src/targets
import { openCredential } from '#targets/open-credential.ts'

export const open = openCredential
