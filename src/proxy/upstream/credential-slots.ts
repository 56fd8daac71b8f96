import { randomBytes } from 'node:crypto'
import { UpstreamError } from './upstream-error.ts'

/** What stands behind a placeholder until its request is written. */
export type CredentialSlot = {
  readonly lengthMax: number
  openInto(out: Buffer, offset: number): number
  /** Called when the bytes have been handed to the socket. */
  markCredentialSent(): void
}

export type TakenSlot = { readonly slot: CredentialSlot; readonly at: number; readonly length: number }

const COUNTER_DIGITS = 12

/**
 * Placeholders that stand for credentials in request heads. Each begins with 128 random bits of this process, so
 * that no client can write one into a header, and each is good for one write.
 */
export class CredentialSlots {
  readonly #mark = randomBytes(16).toString('hex')
  readonly #length = this.#mark.length + COUNTER_DIGITS
  readonly #slots = new Map<string, CredentialSlot>()
  #count = 0

  /** How many placeholders are neither taken nor released. */
  get size(): number {
    return this.#slots.size
  }

  /** Returns the placeholder to put where the credential belongs. */
  bind(slot: CredentialSlot): string {
    this.#count += 1
    const placeholder = `${this.#mark}${this.#count.toString(16).padStart(COUNTER_DIGITS, '0')}`
    this.#slots.set(placeholder, slot)
    return placeholder
  }

  /** Makes the placeholder worthless; harmless when it was taken already. */
  release(placeholder: string): void {
    this.#slots.delete(placeholder)
  }

  /**
   * Finds the one placeholder of `head` and takes its slot.
   *
   * @throws {UpstreamError} `credential-unavailable` when there is none, more than one, or its slot is gone: such
   * a head must not be sent.
   */
  take(head: string): TakenSlot {
    const at = head.indexOf(this.#mark)
    if (at === -1 || head.includes(this.#mark, at + this.#length)) {
      throw new UpstreamError('credential-unavailable')
    }
    const placeholder = head.slice(at, at + this.#length)
    const slot = this.#slots.get(placeholder)
    if (slot === undefined) throw new UpstreamError('credential-unavailable')
    this.#slots.delete(placeholder)
    return { slot, at, length: this.#length }
  }
}
