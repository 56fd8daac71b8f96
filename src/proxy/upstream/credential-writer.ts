import type { Socket } from 'node:net'
import type { CredentialSlot, CredentialSlots } from './credential-slots.ts'
import { layOut, type AllocateOutgoing, type OutgoingBytes } from './outgoing-bytes.ts'
import { UpstreamError } from './upstream-error.ts'

/** Up to here a body is copied behind its head, so that both leave in one write. */
const MERGED_BODY_BYTES_MAX = 16 * 1024

/**
 * Each socket keeps one wiped Buffer of this size for its next head: a new one for each request would cost more
 * in garbage collection than all else here. Never shared between sockets.
 */
const KEPT_BYTES = 4 * 1024

export type CredentialWriterDeps = { readonly slots: CredentialSlots; readonly allocate: AllocateOutgoing }

/**
 * Takes over the writing side of a connected socket for undici's HTTP/1.1 client, which writes each request's
 * head as one string, and its body, if any, as one Buffer in the same corked turn.
 */
export function guardSocket(socket: Socket, deps: CredentialWriterDeps): void {
  const writer = new CredentialWriter(socket, deps)
  // The overloads with a callback are left out: undici's HTTP/1.1 client never passes one.
  socket.write = writer.write
}

/**
 * Replaces the placeholder in a head by the credential's bytes at the last moment, and wipes them at once.
 *
 * A head with its credential always leaves alone in one Buffer, uncorked, on a socket with nothing pending:
 * several buffers in one writev are joined by node's TLSWrap into memory that nobody wipes, while a single one
 * goes straight to SSL_write, or to the kernel (the residue test finds the copies when this is not so).
 */
class CredentialWriter {
  readonly #socket: Socket
  readonly #deps: CredentialWriterDeps
  readonly #write: (bytes: Buffer, onWritten: () => void) => boolean
  #head: string | null = null
  #body: Buffer | null = null
  #outgoing: Buffer | null = null
  #sender: CredentialSlot | null = null
  #kept: Buffer | null = null
  #callbacksDue = 0
  #isRefused = false

  constructor(socket: Socket, deps: CredentialWriterDeps) {
    this.#socket = socket
    this.#deps = deps
    this.#write = socket.write.bind(socket)
    socket.once('close', () => this.#abandon())
  }

  /** Stands in for `socket.write`. @throws {UpstreamError} when a head must not be sent; undici then destroys the socket. */
  readonly write = (chunk: string | Buffer): boolean => {
    if (this.#isRefused) throw new UpstreamError('credential-unavailable')
    if (typeof chunk === 'string') return this.#takeHead(chunk)
    if (this.#head === null || this.#body !== null) return this.#refuse()
    this.#body = chunk
    return this.#sendWhenIdle()
  }

  #takeHead(head: string): boolean {
    if (this.#head !== null) return this.#refuse()
    this.#head = head
    // Corked: its body follows in this same turn.
    return this.#socket.writableCorked > 0 ? true : this.#sendWhenIdle()
  }

  /** A provider may have answered before the previous body was read: its rest is then still leaving. */
  #sendWhenIdle(): boolean {
    return this.#socket.writableLength > 0 ? false : this.#send()
  }

  readonly #onHeadWritten = (): void => {
    this.#callbacksDue -= 1
    // A callback that comes late must not wipe what a later write still has in flight.
    if (this.#callbacksDue === 0) this.#wipe()
    this.#sendHeld()
  }

  #sendHeld(): void {
    if (this.#head === null || this.#socket.destroyed) return
    try {
      this.#sendWhenIdle()
    } catch (error) {
      this.#socket.destroy(error instanceof Error ? error : undefined)
    }
  }

  #send(): boolean {
    const socket = this.#socket
    const body = this.#body
    const isMerged = body !== null && body.byteLength <= MERGED_BODY_BYTES_MAX
    this.#wipe()
    const { memory, bytes } = this.#layOut(isMerged ? body : null)
    // An idle socket must not keep the last request, and all that it holds, from being collected.
    const sender = this.#sender
    this.#sender = null

    const corks = socket.writableCorked
    for (let index = 0; index < corks; index += 1) socket.uncork()
    this.#outgoing = memory
    this.#callbacksDue += 1
    const isFlowing = this.#write(bytes, this.#onHeadWritten)
    // Nothing is left in the stream, so the kernel has the bytes: no need to wait for the callback.
    if (socket.writableLength === 0) this.#wipe()
    for (let index = 0; index < corks; index += 1) socket.cork()
    return body === null || isMerged ? isFlowing : this.#writeBody(body, sender)
  }

  /** Node calls back for every write, also for one that the end of its socket cut short. */
  #writeBody(body: Buffer, sender: CredentialSlot | null): boolean {
    sender?.markBodyHanded()
    return this.#write(body, () => {
      sender?.markBodyLeft()
      this.#sendHeld()
    })
  }

  #layOut(body: Buffer | null): OutgoingBytes {
    const head = this.#head ?? ''
    this.#head = null
    this.#body = null
    try {
      const taken = this.#deps.slots.take(head)
      const outgoing = layOut(head, taken, body, this.#allocate)
      taken.slot.markCredentialSent()
      this.#sender = taken.slot
      return outgoing
    } catch (error) {
      this.#isRefused = true
      throw error
    }
  }

  /** Only ever called on an idle socket, whose last head has left and been wiped. */
  readonly #allocate = (length: number): Buffer => {
    if (length > KEPT_BYTES) return this.#deps.allocate(length)
    this.#kept ??= this.#deps.allocate(KEPT_BYTES)
    return this.#kept
  }

  #refuse(): never {
    this.#isRefused = true
    throw new UpstreamError('credential-unavailable')
  }

  #wipe(): void {
    this.#outgoing?.fill(0)
    this.#outgoing = null
  }

  #abandon(): void {
    this.#isRefused = true
    this.#head = null
    this.#body = null
    this.#wipe()
    this.#kept = null
  }
}
