import type { IncomingMessage } from 'node:http'

const BODY_BYTES_MAX = 64 * 1024 * 1024

/** Reads a request's whole body. @throws {Error} beyond 64 MiB, or when the caller goes away. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.byteLength
    if (length > BODY_BYTES_MAX) throw new Error('The request body is too large.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

/** The JSON object that the bytes hold; null when they hold anything else. */
export function parseObject(bytes: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
