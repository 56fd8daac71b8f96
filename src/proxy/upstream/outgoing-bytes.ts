import type { CredentialSlot, TakenSlot } from './credential-slots.ts'
import { UpstreamError } from './upstream-error.ts'

/** Gives an unpooled Buffer of at least `length` bytes. Tests put their own here to watch it being wiped. */
export type AllocateOutgoing = (length: number) => Buffer

/** The bytes of one write; `memory` is all that has to be wiped once they have left. */
export type OutgoingBytes = { readonly memory: Buffer; readonly bytes: Buffer }

/**
 * Typed arrays of at most 64 bytes live on V8's own heap, where the collector may copy them; beyond that they
 * have memory of their own, which a wipe reaches for certain.
 */
const OFF_HEAP_BYTES_MIN = 128

export function allocateOutgoing(length: number): Buffer {
  return Buffer.allocUnsafeSlow(Math.max(length, OFF_HEAP_BYTES_MIN))
}

/**
 * Lays out head, credential and (when given) body in one new Buffer, the credential opened in its place.
 *
 * @throws {UpstreamError} `credential-unavailable`, with the memory wiped, when the credential cannot be opened
 * or could not stand in a header.
 */
export function layOut(
  head: string,
  { slot, at, length }: TakenSlot,
  body: Buffer | null,
  allocate: AllocateOutgoing,
): OutgoingBytes {
  const { lengthMax } = slot
  const rest = head.slice(at + length)
  const memory = allocate(at + lengthMax + rest.length + (body?.byteLength ?? 0))
  let end = memory.write(head.slice(0, at), 0, at, 'latin1')
  end += openCredential(slot, memory, at)
  end += memory.write(rest, end, rest.length, 'latin1')
  if (body !== null) end += body.copy(memory, end)
  return { memory, bytes: memory.subarray(0, end) }
}

function openCredential(slot: CredentialSlot, memory: Buffer, at: number): number {
  try {
    const length = slot.openInto(memory, at)
    if (
      Number.isInteger(length) &&
      length > 0 &&
      length <= slot.lengthMax &&
      isHeaderSafe(memory, at, length)
    ) {
      return length
    }
  } catch {
    // What it threw may speak of the secret; the caller, who made the function, can keep its own error.
  }
  memory.fill(0)
  throw new UpstreamError('credential-unavailable')
}

/** Visible ASCII only: a line break in a credential would add headers or a whole request (RFC 9110 §5.5). */
function isHeaderSafe(memory: Buffer, at: number, length: number): boolean {
  for (let index = at; index < at + length; index += 1) {
    const byte = memory[index] ?? 0
    if (byte < 0x21 || byte > 0x7e) return false
  }
  return true
}
