import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { SecretBytes } from '#envelope/secret-bytes.ts'
import type { ApiServer } from './api-server.ts'
import { RequestError } from './request-error.ts'
import { takeSecretMember } from './secret-member.ts'

const bodyBytesMax = 65_536
const secretMember = 'credential'

type Received = { digest: string; secret: SecretBytes | null }
const received = new WeakMap<IncomingMessage, Received>()

/**
 * Reads JSON bodies so that a member `credential` never becomes a string: its bytes are taken out and every
 * buffer that held them is wiped before the rest is parsed. No other media type is read at all.
 */
export function parseJsonWithoutSecrets(app: ApiServer): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', async (request: FastifyRequest, payload: IncomingMessage) => {
    const body = await collect(payload)
    try {
      const digest = createHash('sha256').update(body).digest('base64')
      const secret = takeSecretMember(body, secretMember)
      received.set(request.raw, { digest, secret })
      return parseJson(body)
    } finally {
      body.fill(0)
    }
  })
  // Whoever answers is done with it. Not when the response has left: to a caller who hung up, it never does.
  app.addHook('onSend', async (request) => received.get(request.raw)?.secret?.[Symbol.dispose]())
}

/** The credential that came in this request's body; the request owns it and disposes of it at its end. */
export function credentialOf(request: FastifyRequest): SecretBytes {
  const secret = received.get(request.raw)?.secret
  if (secret === null || secret === undefined) {
    throw new RequestError(
      'body_invalid',
      `The body needs a member "${secretMember}" with the provider's credential.`,
    )
  }
  return secret
}

/** Digest of the body as it arrived, credential included; empty for a request without one. */
export function digestBodyOf(request: FastifyRequest): string {
  return received.get(request.raw)?.digest ?? ''
}

/** Joins the chunks into one Buffer and wipes them. */
async function collect(payload: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  if (Number(payload.headers['content-length'] ?? 0) > bodyBytesMax) throw tooLarge()
  try {
    for await (const chunk of payload) {
      // Without setEncoding a request's chunks are Buffers.
      chunks.push(chunk as Buffer)
      length += (chunk as Buffer).length
      if (length > bodyBytesMax) throw tooLarge()
    }
    return Buffer.concat(chunks, length)
  } catch (error) {
    if (error instanceof RequestError) throw error
    throw new RequestError('body_malformed', 'The request broke off within its body.')
  } finally {
    for (const chunk of chunks) chunk.fill(0)
  }
}

function tooLarge(): RequestError {
  return new RequestError('body_too_large', `The body is larger than ${bodyBytesMax} bytes.`)
}

function parseJson(body: Buffer): unknown {
  if (body.length === 0) return {}
  try {
    return JSON.parse(body.toString('utf8'), refusePrototype)
  } catch (error) {
    if (error instanceof RequestError) throw error
    // The parser's own message quotes the body.
    throw new RequestError('body_malformed', 'The body is not valid JSON.')
  }
}

function refusePrototype(name: string, value: unknown): unknown {
  if (name === '__proto__' || name === 'constructor')
    throw new RequestError('body_malformed', `A member "${name}" is refused.`)
  return value
}
