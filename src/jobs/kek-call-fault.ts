import type { Kek } from '#keks/kek.ts'
import type { KekFault } from '#kms/kek-fault.ts'

/** A fault of one of the two KEKs that a job works with. The message is the fault's own, with the KEK's name. */
export class KekCallFault extends Error {
  override readonly name = 'KekCallFault'
  readonly call: 'wrap' | 'unwrap'
  readonly kek: Kek
  readonly fault: KekFault

  constructor(call: 'wrap' | 'unwrap', kek: Kek, fault: KekFault) {
    super(`KEK "${kek.name}", ${call}: ${fault.message}`)
    this.call = call
    this.kek = kek
    this.fault = fault
  }
}
