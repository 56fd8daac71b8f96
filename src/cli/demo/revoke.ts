import { setTimeout as sleep } from 'node:timers/promises'
import type { Kek } from '#cli/api/replies.ts'
import { refusalIn, type Agent } from './agents.ts'
import type { Agents } from './lend.ts'
import type { Lent } from './register-padlock.ts'
import { startStream } from './running-stream.ts'
import type { Scene } from './scene.ts'
import { demand, milliseconds, type Screen } from './screen.ts'

const changesWithinMs = 3_000
const pollMs = 20

/** Ids of the receipts whose streams were cut. */
export type CutReceipts = readonly string[]

/** The customer takes the padlock away while streams run and agents call, and puts it back. */
export async function revokeUnderLoad(
  screen: Screen,
  scene: Scene,
  agents: Agents,
  lent: Lent,
): Promise<CutReceipts> {
  screen.act(
    'The padlock taken away: DisableKey, while two streams are running',
    'The customer calls AWS, not Hasp. The very next call finds out, and takes the streams with it.',
  )
  const { customer, openai, anthropic } = scene
  const streams = await Promise.all([
    startStream(agents.openai, openai),
    startStream(agents.anthropic, anthropic),
  ])
  const reachedBefore = openai.provider.requestCount() + anthropic.provider.requestCount()
  const revokedAtMs = await customer.disableKey()
  await refused(screen, agents.openai, revokedAtMs)
  await refused(screen, agents.anthropic, revokedAtMs)
  await screen.claim('Neither call reached its provider', () => {
    const reached = openai.provider.requestCount() + anthropic.provider.requestCount() - reachedBefore
    demand(reached === 0, `${reached} reached one`)
    return 'the providers saw nothing since'
  })
  for (const { name, provenCut } of streams) {
    await screen.claim(`The running stream of ${name} was cut`, () => provenCut(revokedAtMs))
  }
  await resume(screen, scene, agents, lent)
  return streams.map(({ receiptId }) => receiptId)
}

/** The same with nobody calling: only the probe can notice. */
export async function revokeWhileIdle(
  screen: Screen,
  scene: Scene,
  agents: Agents,
  lent: Lent,
): Promise<CutReceipts> {
  screen.act(
    'Once more, with nobody calling',
    'One stream runs and no request comes in: Hasp’s own probe of the KEK must notice.',
  )
  const stream = await startStream(agents.anthropic, scene.anthropic)
  const revokedAtMs = await scene.customer.disableKey()
  await screen.claim('The idle organisation’s stream was cut', () => stream.provenCut(revokedAtMs))
  await resume(screen, scene, agents, lent)
  return [stream.receiptId]
}

async function refused(screen: Screen, agent: Agent, revokedAtMs: number): Promise<void> {
  await screen.claim(`The next call of ${agent.name} is refused, in its own dialect`, async () => {
    const error = await agent.ask().then(
      () => undefined,
      (reason: unknown) => reason,
    )
    const afterMs = performance.now() - revokedAtMs
    demand(error !== undefined, `it was served, ${milliseconds(afterMs)} after DisableKey’s answer`)
    const { status, code } = refusalIn(error)
    demand(status === 403 && code === 'kek_revoked', `it got HTTP ${status} ${code}`)
    return `403 ${code}, ${milliseconds(afterMs)} after DisableKey’s answer`
  })
}

async function resume(
  screen: Screen,
  { customer, hasp: { api } }: Scene,
  agents: Agents,
  lent: Lent,
): Promise<void> {
  const stateOf = async () => (await api.get<Kek>(`/keks/${lent.kekId}`)).state
  await screen.claim('The KEK is suspended until its owner says otherwise', () =>
    becomes(stateOf, 'suspended'),
  )
  const enabledAtMs = await customer.enableKey()
  await screen.claim('EnableKey: the probe notices, nobody has to tell Hasp', async () => {
    await becomes(stateOf, 'active')
    return `${milliseconds(performance.now() - enabledAtMs)} after EnableKey’s answer`
  })
  await screen.claim('Service resumes', async () => {
    const answers = await Promise.all([agents.openai.ask(), agents.anthropic.ask()])
    demand(
      answers.every(({ text }) => text !== ''),
      'an answer was empty',
    )
    return 'both SDKs have their answers'
  })
}

/** Waits for a state. @throws {Error} where it does not come in time. */
async function becomes(stateOf: () => Promise<Kek['state']>, wanted: Kek['state']): Promise<string> {
  const deadlineMs = performance.now() + changesWithinMs
  for (;;) {
    const state = await stateOf()
    if (state === wanted) return state
    demand(performance.now() < deadlineMs, `it is ${state} ${changesWithinMs} ms later`)
    await sleep(pollMs)
  }
}
