import type { Socket } from 'node:net'
import { startRawProvider } from '../../support/raw-provider.ts'
import { startHasp, type RunningHasp } from '../../support/running-hasp.ts'

export const lentCredential = 'sk-test-lent-3f9a1c5e7b2d4860'

/** One request as the provider read it, to the byte. */
export type SeenRequest = Readonly<{
  line: string
  headers: readonly (readonly [string, string])[]
  body: string
}>

/**
 * A Hasp with one target and two virtual keys, of which `limited` may run gpt-5 alone, before a provider that reads
 * strictly and answers with whatever bytes `reply` gives.
 */
export async function startRawProviderHasp(
  reply: () => string,
): Promise<
  AsyncDisposable &
    Readonly<{ hasp: RunningHasp; agent: string; limited: string; seen: SeenRequest[]; malformed: string[] }>
> {
  await using stack = new AsyncDisposableStack()
  const seen: SeenRequest[] = []
  const malformed: string[] = []
  const provider = stack.use(
    await startRawProvider((socket) => answerEach(socket, { seen, malformed, reply })),
  )
  const hasp = stack.use(await startHasp({ HASP_ALLOWED_UPSTREAMS: provider.origin }))
  const { body: kek } = await hasp.api('POST', '/keks', { name: 'main', provider: 'local' })
  await hasp.api('POST', `/keks/${kek.id}/verify`)
  const target = { name: 'main', provider: 'openai', baseUrl: provider.origin, kekId: kek.id }
  await hasp.api('POST', '/api-targets', { ...target, credential: lentCredential, validate: false })
  const { body: agent } = await hasp.api('POST', '/virtual-keys', { name: 'agent', targetIds: 'all' })
  const scope = { targetIds: 'all', models: ['gpt-5'] }
  const { body: limited } = await hasp.api('POST', '/virtual-keys', { name: 'limited', ...scope })
  const owned = stack.move()
  return {
    hasp,
    agent: agent.token,
    limited: limited.token,
    seen,
    malformed,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Takes nothing but a request that every parser reads alike; all else is `malformed`. */
function answerEach(
  socket: Socket,
  { seen, malformed, reply }: { seen: SeenRequest[]; malformed: string[]; reply: () => string },
): void {
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
    const end = text.indexOf('\r\n\r\n')
    if (end === -1) return
    const [line = '', ...lines] = text.slice(0, end).split('\r\n')
    const headers = lines.map(
      (one) => /^([!#$%&'*+.^_`|~0-9a-z-]+): ([ -~]*)$/i.exec(one)?.slice(1) ?? [one, ''],
    )
    const named = headers.map(([name = '', value = '']) => [name.toLowerCase(), value] as const)
    const byName = new Map(named)
    const length = Number(byName.get('content-length') ?? '0')
    const body = text.slice(end + 4)
    if (body.length < length) return
    const isPlain =
      /^[A-Z]+ \/v1\/[!-~]+ HTTP\/1\.1$/.test(line) &&
      byName.size === named.length &&
      !byName.has('transfer-encoding') &&
      body.length === length
    if (isPlain) seen.push({ line, headers: named, body })
    else malformed.push(text)
    text = ''
    socket.write(reply(), 'latin1')
  })
}
