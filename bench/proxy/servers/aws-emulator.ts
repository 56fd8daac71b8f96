/** AWS KMS and STS as a process of its own. */
import { startAwsEmulator } from '#emulators/aws/aws-emulator.ts'

const emulator = await startAwsEmulator({ region: 'eu-central-1' })
console.log(emulator.url)
