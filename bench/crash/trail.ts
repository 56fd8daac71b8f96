import type { AwsEmulatorClient } from '#emulators/aws/control/control-client.ts'
import type { CloudTrailRecord } from '#emulators/aws/trail/record.ts'
import type { DecryptSeen } from './compare.ts'

/** The customer's trail, gathered now and then: the emulator keeps the last 10,000 events only. */
export class DecryptTrail {
  readonly #events = new Map<string, DecryptSeen>()
  readonly #emulator: AwsEmulatorClient
  readonly #accountId: string

  constructor(emulator: AwsEmulatorClient, keyArn: string) {
    this.#emulator = emulator
    this.#accountId = keyArn.split(':')[4] ?? ''
  }

  /** Every Decrypt that was carried out, gathered so far. */
  get decrypts(): readonly DecryptSeen[] {
    return [...this.#events.values()]
  }

  async gather(): Promise<void> {
    const records = await this.#emulator('events', { eventName: 'Decrypt', accountId: this.#accountId })
    for (const record of records) {
      if (record.errorCode === undefined) this.#events.set(record.eventID, decryptOf(record))
    }
  }
}

function decryptOf({ requestID = '', requestParameters, eventTime }: CloudTrailRecord): DecryptSeen {
  // CloudTrail shows the encryption context as it was given (KMS Developer Guide, "Logging with CloudTrail").
  const context = requestParameters?.['encryptionContext'] as Record<string, string> | undefined
  return { kmsRequestId: requestID, recordId: context?.['hasp:record'] ?? '', atMs: Date.parse(eventTime) }
}
