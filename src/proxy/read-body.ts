import type { IncomingMessage } from 'node:http'
import type { OrganisationShare } from './organisation-shares.ts'
import { refusalRules } from './refusal-rules.ts'
import { Refusal } from './refusal.ts'
import type { RequestHead } from './request-head.ts'

export type BodyBudgetOptions = Readonly<{
  /** Largest body taken, in bytes. */
  bodyBytesMax: number
  /** Bodies held at once, in bytes, over all requests. */
  inFlightBytesMax: number
  /** How long a body may take to arrive. */
  timeoutMs: number
}>

/** A request's body in memory; disposing of it gives its bytes back to the budget. */
export type HeldBody = Disposable & Readonly<{ bytes: Buffer | null }>

/** Room made for a body that comes in several pieces. */
const blockBytesMin = 65_536
const mebibyte = 1024 * 1024

const noBody: HeldBody = { bytes: null, [Symbol.dispose]: () => {} }

/** Reads request bodies, each within a limit and all together within one. */
export class BodyBudget {
  readonly #options: BodyBudgetOptions
  #heldBytes = 0

  constructor(options: BodyBudgetOptions) {
    this.#options = options
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /**
   * @param head what it says of the body.
   * @param share of the organisation that pays with it for the body.
   * @throws {Refusal} `body_too_large`, `too_many_bodies`, `organisation_busy`, `body_timeout`, `body_malformed` when
   *   it broke off.
   */
  read(
    request: IncomingMessage,
    { contentLength, isChunked }: Pick<RequestHead, 'contentLength' | 'isChunked'>,
    share: OrganisationShare,
  ): Promise<HeldBody> | HeldBody {
    const { bodyBytesMax, timeoutMs } = this.#options
    if (!isChunked && (contentLength ?? 0) === 0) return noBody
    if (contentLength !== undefined && contentLength > bodyBytesMax) throw tooLarge(bodyBytesMax)
    // Bytes count when they have arrived: a length that is only announced must hold up nobody else.
    const noRoom = this.#noRoomFor(contentLength ?? 0, share)
    if (noRoom !== undefined) throw noRoom
    return new Promise<HeldBody>((resolve, reject) => {
      // A body in one piece is taken as it came; of any other the pieces are copied together as they come, because each
      // piece costs far more than its bytes, and a sender chooses how small they are.
      let bytes: Buffer | undefined
      let length = 0
      const timer = setTimeout(() => fail(new Refusal('body_timeout')), timeoutMs)
      const stop = () => {
        clearTimeout(timer)
        request.off('data', onData).off('end', onEnd).off('error', onBroken).off('aborted', onBroken)
      }
      const fail = (refusal: Refusal) => {
        stop()
        request.resume()
        this.#give(length, share)
        reject(refusal)
      }
      const onData = (chunk: Buffer) => {
        if (length + chunk.length > bodyBytesMax) return fail(tooLarge(bodyBytesMax))
        const refusal = this.#noRoomFor(chunk.length, share)
        if (refusal !== undefined) return fail(refusal)
        bytes = append(bytes, length, chunk)
        length += chunk.length
        this.#heldBytes += chunk.length
        share.bodyBytes += chunk.length
      }
      const onEnd = () => {
        stop()
        const give = () => this.#give(length, share)
        resolve({ bytes: bytes?.subarray(0, length) ?? Buffer.alloc(0), [Symbol.dispose]: give })
      }
      const onBroken = () =>
        fail(new Refusal('body_malformed', { message: 'The request broke off within its body.' }))
      request.on('data', onData).on('end', onEnd).on('error', onBroken).on('aborted', onBroken)
    })
  }

  #noRoomFor(bytes: number, share: OrganisationShare): Refusal | undefined {
    if (!share.hasRoomFor(bytes)) return new Refusal('organisation_busy')
    const isFull = this.#heldBytes + bytes > this.#options.inFlightBytesMax
    return isFull ? new Refusal('too_many_bodies') : undefined
  }

  #give(bytes: number, share: OrganisationShare): void {
    this.#heldBytes -= bytes
    share.bodyBytes -= bytes
  }
}

/** The refusal, with the limit of this installation where it is a lower one. */
function tooLarge(bodyBytesMax: number): Refusal {
  const { message } = refusalRules.body_too_large
  return new Refusal('body_too_large', { message: message.replace('32 MiB', inWords(bodyBytesMax)) })
}

function inWords(bytes: number): string {
  return bytes % mebibyte === 0 ? `${bytes / mebibyte} MiB` : `${bytes} bytes`
}

/** `held` with `chunk` behind its first `length` bytes; in new memory of twice the size where it no longer fits. */
function append(held: Buffer | undefined, length: number, chunk: Buffer): Buffer {
  if (held === undefined) return chunk
  const needed = length + chunk.length
  if (needed <= held.length) {
    chunk.copy(held, length)
    return held
  }
  const grown = Buffer.allocUnsafeSlow(Math.max(needed * 2, blockBytesMin))
  held.copy(grown, 0, 0, length)
  chunk.copy(grown, length)
  return grown
}
