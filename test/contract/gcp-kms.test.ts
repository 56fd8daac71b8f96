import { startOneProject } from '../unit/emulators/google/one-project.ts'
import { describeGoogleKms } from './gcp-kms.behaviour.ts'

describeGoogleKms('of the emulator', async () => {
  const { keyName, owner, [Symbol.asyncDispose]: dispose } = await startOneProject()
  return { keyName, asOwner: owner, effectMsMax: 5_000, [Symbol.asyncDispose]: dispose }
})
