import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { inspect } from 'node:util'

const ROOT_SECRET_BYTES_MIN = 32
const SUBKEY_BYTES = 32

/** Each use has a sub-key of its own, so that the output of one never serves as the input of another. */
const SUBKEY_LABELS = {
  rowMac: 'hasp/integrity/row-mac/v1',
  tokenDigest: 'hasp/integrity/token-digest/v1',
} as const

export type SubkeyUse = keyof typeof SUBKEY_LABELS

/** A root secret: bytes, or their owner (`SecretBytes`). */
export type RootSecret = Uint8Array | Readonly<{ unsafeBytes(): Uint8Array }>

/**
 * The service's integrity secrets: `current` makes, `current` and `previous` verify, so that a root secret can be
 * replaced without a moment in which good rows are refused. Holds KeyObjects only; the caller wipes the roots.
 */
export class SecretRing {
  readonly #subkeys: Readonly<Record<SubkeyUse, readonly [KeyObject, ...KeyObject[]]>>

  /** @throws {RangeError} when a root secret is shorter than 32 bytes. */
  constructor(roots: { current: RootSecret; previous?: RootSecret | undefined }) {
    const derive = (use: SubkeyUse): readonly [KeyObject, ...KeyObject[]] => {
      const current = deriveSubkey(roots.current, use)
      return roots.previous === undefined ? [current] : [current, deriveSubkey(roots.previous, use)]
    }
    this.#subkeys = { rowMac: derive('rowMac'), tokenDigest: derive('tokenDigest') }
  }

  /** The sub-keys for one use, the current one first. */
  subkeys(use: SubkeyUse): readonly [KeyObject, ...KeyObject[]] {
    return this.#subkeys[use]
  }

  toJSON(): string {
    return '[secret ring]'
  }

  [inspect.custom](): string {
    return '[secret ring]'
  }
}

/** HKDF-SHA-256 (RFC 5869) without salt; the label is the info. */
function deriveSubkey(root: RootSecret, use: SubkeyUse): KeyObject {
  const bytes = root instanceof Uint8Array ? root : root.unsafeBytes()
  if (bytes.length < ROOT_SECRET_BYTES_MIN) {
    throw new RangeError(`An integrity secret must have at least ${ROOT_SECRET_BYTES_MIN} bytes.`)
  }
  const output = Buffer.from(hkdfSync('sha256', bytes, '', SUBKEY_LABELS[use], SUBKEY_BYTES))
  try {
    return createSecretKey(output)
  } finally {
    output.fill(0)
  }
}
