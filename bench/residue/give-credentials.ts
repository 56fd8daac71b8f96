import { once } from 'node:events'
import { connect } from 'node:net'
import { callApi, managementApi, type ManagementApi } from '../hasp/management-api.ts'
import type { Credentials } from './credentials.ts'

type Subject = Readonly<{
  url: string
  token: string
  kekId: string
  openaiOrigin: string
  anthropicOrigin: string
}>

export type StoredTargets = Readonly<{ openaiId: string; anthropicId: string }>

/**
 * Shows the server a credential in every way that there is to do so over its API, good and bad: stored, rotated,
 * tested, stored unchecked, refused by its provider, in a malformed body, in a body with an unknown member, to an
 * address that there is not, by a caller who hangs up at once, and with a wrong admin token.
 */
export async function giveCredentials(subject: Subject, credentials: Credentials): Promise<StoredTargets> {
  const { url, token, kekId, openaiOrigin, anthropicOrigin } = subject
  const api = managementApi(url, token)
  const store = (name: string, credential: string, more: object = {}) => ({
    name,
    provider: 'openai',
    baseUrl: openaiOrigin,
    kekId,
    // So that the credential stands deep in the body, where the head of a later request does not cover it.
    models: Array.from({ length: 30 }, (_, index) => `gpt-${'x'.repeat(20)}-${index}`).concat(
      'gpt-*',
      'claude-*',
    ),
    ...more,
    credential,
  })
  const { id: openaiId } = await api('POST', '/api-targets', store('openai', credentials.openai))
  const { id: anthropicId } = await api(
    'POST',
    '/api-targets',
    store('anthropic', credentials.anthropic, { provider: 'anthropic', baseUrl: anthropicOrigin }),
  )
  await rotate(api, String(openaiId), credentials.openaiRotated)
  for (const id of [openaiId, anthropicId]) await api('POST', `/api-targets/${String(id)}/test`)
  await api('POST', '/api-targets', store('unchecked', credentials.unchecked, { validate: false }))

  const refuse = async (status: number, body: string, as = token, path = '/api-targets') => {
    const answer = await callApi(url, as, 'POST', path, body)
    if (answer.status !== status) throw new Error(`Expected ${status}: HTTP ${answer.status} ${answer.text}`)
  }
  const json = JSON.stringify
  await refuse(422, json(store('rejected', credentials.rejected)))
  await refuse(400, json(store('malformed', credentials.inMalformedBody)).replace('"kekId":', '"kekId"'))
  await refuse(400, json(store('refused', credentials.inRefusedBody, { color: 'green' })))
  await refuse(404, json(store('nowhere', credentials.toNowhere)), token, '/api-target')
  await sendAndVanish(url, token, json(store('vanished', credentials.fromVanished)))
  await refuse(401, json(store('stranger', credentials.fromStranger)), `${token.slice(0, -6)}AAAAAA`)
  return { openaiId: String(openaiId), anthropicId: String(anthropicId) }
}

/** Sends a whole request and resets the connection, so that nobody is there for what becomes of it. */
async function sendAndVanish(url: string, token: string, body: string): Promise<void> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  const head = [
    'POST /api/v1/api-targets HTTP/1.1',
    `host: ${hostname}`,
    `authorization: Bearer ${token}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.resetAndDestroy())
  await once(socket, 'close')
}

/** Puts a new credential version in use. */
export async function rotate(api: ManagementApi, targetId: string, credential: string): Promise<void> {
  await api('PATCH', `/api-targets/${targetId}`, { credential })
}
