import { randomBytes } from 'node:crypto'
import { UpstreamError } from './upstream-error.ts'

/** What stands behind a placeholder until its request is written. */
export type CredentialSlot = {
  readonly lengthMax: number
  openInto(out: Buffer, offset: number): number
  /** Called when the bytes have been handed to the socket. */
  markCredentialSent(): void
  /** Called when the request's body was handed to the socket as it is, not copied. */
  markBodyHanded(): void
  /** Called, once after each `markBodyHanded`, when the socket needs that body no more: written, or given up. */
  markBodyLeft(): void
}

export type TakenSlot = { readonly slot: CredentialSlot; readonly at: number; readonly length: number }

const INDEX_DIGITS = 6
const COUNTER_DIGITS = 12

type Held = { readonly placeholder: string; readonly slot: CredentialSlot }

/**
 * Placeholders that stand for credentials in request heads. Each begins with 128 random bits of this process, so
 * that no client can write one into a header, then says where its slot is kept, and ends in a number that never
 * comes again: each is good for one write.
 *
 * Kept in an array and not in a Map for the reason that `CallsInFlight` gives.
 */
export class CredentialSlots {
  readonly #mark = randomBytes(16).toString('hex')
  readonly #length = this.#mark.length + INDEX_DIGITS + COUNTER_DIGITS
  readonly #held: (Held | undefined)[] = []
  readonly #free: number[] = []
  #count = 0

  /** How many placeholders are neither taken nor released. */
  get size(): number {
    return this.#held.length - this.#free.length
  }

  /** Returns the placeholder to put where the credential belongs. */
  bind(slot: CredentialSlot): string {
    const index = this.#free.pop() ?? this.#held.length
    this.#count += 1
    const placeholder = this.#mark + hex(index, INDEX_DIGITS) + hex(this.#count, COUNTER_DIGITS)
    this.#held[index] = { placeholder, slot }
    return placeholder
  }

  /** Makes the placeholder worthless; harmless when it was taken already. */
  release(placeholder: string): void {
    this.#takeSlot(placeholder)
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
    const slot = this.#takeSlot(head.slice(at, at + this.#length))
    if (slot === undefined) throw new UpstreamError('credential-unavailable')
    return { slot, at, length: this.#length }
  }

  #takeSlot(placeholder: string): CredentialSlot | undefined {
    const start = this.#mark.length
    const index = Number.parseInt(placeholder.slice(start, start + INDEX_DIGITS), 16)
    const held = this.#held[index]
    if (held?.placeholder !== placeholder) return undefined
    this.#held[index] = undefined
    this.#free.push(index)
    return held.slot
  }
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
