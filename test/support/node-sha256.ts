import { createHash, createHmac } from 'node:crypto'

type Data = string | ArrayBuffer | ArrayBufferView

/** SHA-256, or HMAC-SHA-256 when given a secret, on node:crypto, in the shape that the AWS signer asks for. */
export class NodeSha256 {
  readonly #hash: { update(data: Buffer | string): unknown; digest(): Buffer }

  constructor(secret?: Data) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', asInput(secret))
  }

  update(data: Data): void {
    this.#hash.update(asInput(data))
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
}

function asInput(data: Data): Buffer | string {
  if (typeof data === 'string') return data
  return data instanceof ArrayBuffer
    ? Buffer.from(data)
    : Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}
