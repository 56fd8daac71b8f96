import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isId } from '#db/ids.ts'
import { mintToken } from '#integrity/token.ts'
import { openaiCredential, startLendingHasp } from '../support/lending-hasp.ts'
import { startHasp, type AnyJson, type RunningHasp } from '../support/running-hasp.ts'

type Running = Awaited<ReturnType<typeof startLendingHasp>>

const messages = [{ role: 'user' as const, content: 'Hello' }]

/** The error that OpenAI's own client raises, without its retries. */
function askOpenai({ url }: RunningHasp, virtualKey: string, path = '/openai/v1'): Promise<AnyJson> {
  const client = new OpenAI({ baseURL: url + path, apiKey: virtualKey, maxRetries: 0, logLevel: 'off' })
  return client.chat.completions.create({ model: 'gpt-5', messages }).catch((error: unknown) => error)
}

/** The error that Anthropic's own client raises, without its retries. */
function askAnthropic({ url }: RunningHasp, virtualKey: string, path = '/anthropic'): Promise<AnyJson> {
  const client = new Anthropic({ baseURL: url + path, apiKey: virtualKey, maxRetries: 0, logLevel: 'off' })
  const request = { model: 'claude-opus-5', max_tokens: 64, messages }
  return client.messages.create(request).catch((error: unknown) => error)
}

/** The lines that the log has under an id. */
function linesOf({ logLines }: RunningHasp, requestId: string): AnyJson[] {
  return logLines.map((line) => JSON.parse(line)).filter((line) => line.requestId === requestId)
}

describe('the id of a refusal', () => {
  let running: Running
  beforeAll(async () => {
    running = await startLendingHasp({ logLevel: 'debug' })
  })
  afterAll(() => running[Symbol.asyncDispose]())

  const caller = () => ({ orgId: running.hasp.orgId, virtualKeyId: running.lending.virtualKeyId })

  it.each(['/openai/v1', '/v1'])('is shown by OpenAI’s SDK at %s, and found in the log', async (path) => {
    const error = await askOpenai(running.hasp, mintToken('hasp_vk').token, path)
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError)
    expect(isId(error.requestID), error.requestID).toBe(true)
    expect(Object.keys(error.error)).toEqual(['message', 'type', 'param', 'code'])
    expect(linesOf(running.hasp, error.requestID)).toMatchObject([
      { level: 'debug', code: 'virtual_key_unknown', msg: 'refused' },
    ])
  })

  it.each(['/anthropic', ''])('is shown by Anthropic’s SDK at "%s", and stands in the body', async (path) => {
    const error = await askAnthropic(running.hasp, mintToken('hasp_vk').token, path)
    expect(error).toBeInstanceOf(Anthropic.AuthenticationError)
    expect(isId(error.requestID), error.requestID).toBe(true)
    expect(error.error.request_id).toBe(error.requestID)
    expect(linesOf(running.hasp, error.requestID)).toMatchObject([{ code: 'virtual_key_unknown' }])
  })

  it('is one of its own for each refusal, and names the virtual key in the log, never its token', async () => {
    const { hasp, surroundings, lending } = running
    const { control } = surroundings.emulator
    control.setKeyState({ keyId: surroundings.keyArn, state: 'Disabled' })
    const errors = [
      await askOpenai(hasp, lending.virtualKey),
      await askOpenai(hasp, lending.virtualKey),
      await askAnthropic(hasp, lending.virtualKey),
    ]
    control.setKeyState({ keyId: surroundings.keyArn, state: 'Enabled' })
    await hasp.api('POST', `/keks/${lending.kekId}/verify`)
    expect(new Set(errors.map(({ requestID }) => requestID)).size).toBe(3)
    for (const { requestID } of errors) {
      expect(linesOf(hasp, requestID)).toMatchObject([{ level: 'info', code: 'kek_revoked', ...caller() }])
    }
    expect(hasp.logLines.join('\n')).not.toContain(lending.virtualKey)
  })

  it('is that of Hasp where it answers in place of the provider, whose own id stays behind', async () => {
    const { hasp, surroundings, lending } = running
    surroundings.openai.setAcceptedCredentials([])
    const error = await askOpenai(hasp, lending.virtualKey)
    surroundings.openai.setAcceptedCredentials([openaiCredential])
    expect([error.code, isId(error.requestID)]).toEqual(['credential_rejected', true])
    const receiptId = error.headers.get('x-hasp-receipt')
    expect(linesOf(hasp, error.requestID)).toMatchObject([
      { code: 'credential_rejected', receiptId, ...caller() },
    ])
    const { body } = await hasp.api('GET', `/receipts?receiptId=${receiptId}`)
    expect(body.items).toMatchObject([{ receiptId }])
  })

  it('is found at debug, however many refusals there are', async () => {
    const { hasp, lending } = running
    const headers = { authorization: `Bearer ${lending.virtualKey}`, 'x-hasp-target': 'nowhere' }
    for (let call = 0; call < 35; call += 1) {
      const reply = await fetch(`${hasp.url}/openai/v1/models`, { headers })
      await reply.body?.cancel()
      const lines = linesOf(hasp, reply.headers.get('x-request-id') ?? '')
      expect(lines).toMatchObject([{ code: 'no_target', ...caller() }])
    }
  })

  it('comes with an answer that has no body', async () => {
    const reply = await fetch(`${running.hasp.url}/openai/v1/models`, { method: 'HEAD' })
    expect(reply.headers.get('x-hasp-error')).toBe('virtual_key_missing')
    const requestId = reply.headers.get('x-request-id') ?? ''
    expect(linesOf(running.hasp, requestId)).toMatchObject([{ code: 'virtual_key_missing' }])
  })

  it('leads from a failure that nobody foresaw to its error in the log', async () => {
    const { hasp } = running
    const { pool } = hasp.context.database
    await pool.query('ALTER TABLE virtual_keys RENAME TO virtual_keys_away')
    const errors = [
      await askOpenai(hasp, mintToken('hasp_vk').token),
      await askAnthropic(hasp, mintToken('hasp_vk').token),
    ]
    await pool.query('ALTER TABLE virtual_keys_away RENAME TO virtual_keys')
    for (const error of errors) {
      expect([error.status, error.headers.get('x-hasp-error')]).toEqual([500, 'internal'])
      const line = linesOf(hasp, error.requestID).find(({ level }) => level === 'error')
      expect(line.err.message).toContain('virtual_keys')
      expect(error.message).not.toContain('virtual_keys')
    }
  })
})

describe('the log of refusals, at the level that is set where nobody sets one', () => {
  let hasp: RunningHasp
  beforeAll(async () => {
    hasp = await startHasp()
  })
  afterAll(() => hasp[Symbol.asyncDispose]())

  const refusalsInLog = () =>
    hasp.logLines.map((line): AnyJson => JSON.parse(line)).filter(({ msg }) => msg === 'refused')
  const issue = async (name: string) =>
    (await hasp.api('POST', '/virtual-keys', { name, targetIds: 'all' })).body

  it('can not be filled by strangers', async () => {
    for (const token of ['sk-foreign', 'hasp_vk_x', mintToken('hasp_vk').token]) {
      expect((await askOpenai(hasp, token)).status).toBe(401)
    }
    expect(refusalsInLog()).toEqual([])
  })

  it('has the first thirty of a minute of a virtual key, so that one that asks without end hides no other', async () => {
    const [restless, quiet] = [await issue('restless'), await issue('quiet')]
    const ids: string[] = []
    for (let call = 0; call < 35; call += 1) {
      const error = await askOpenai(hasp, restless.token)
      expect(error.code).toBe('no_target')
      ids.push(error.requestID)
    }
    const { requestID } = await askAnthropic(hasp, quiet.token)
    expect(refusalsInLog()).toMatchObject([
      ...ids.slice(0, 30).map((requestId) => ({ requestId, virtualKeyId: restless.id, orgId: hasp.orgId })),
      { requestId: requestID, virtualKeyId: quiet.id, orgId: hasp.orgId },
    ])
  })
})
