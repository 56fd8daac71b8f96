import { setTimeout as sleep } from 'node:timers/promises'
import { refusalIn, type Agent } from './agents.ts'
import type { Upstream } from './scene.ts'
import { demand, milliseconds } from './screen.ts'

const pieceDelayMs = 60
/** More than any demo waits for. */
const pieceCount = 2_000
const normalPace = { chunkDelayMs: 0, chunkCount: 8 }
const cutWithinMs = 3_000

/** A stream that would go on for minutes, with somebody reading it. */
export type RunningStream = Readonly<{
  name: string
  receiptId: string
  /**
   * Waits until it is cut.
   * @throws {Error} where it goes on, or ended as if it were complete.
   */
  provenCut: (revokedAtMs: number) => Promise<string>
}>

type End = Readonly<{ atMs: number; error: unknown; pieces: number }>

/** Starts a stream; resolves once its first piece has arrived. */
export async function startStream(agent: Agent, { provider }: Upstream): Promise<RunningStream> {
  provider.setStream({ chunkDelayMs: pieceDelayMs, chunkCount: pieceCount })
  try {
    const { pieces, receiptId } = await agent.stream()
    const first = Promise.withResolvers<void>()
    const ended = readToEnd(pieces, first.resolve)
    await Promise.race([first.promise, ended])
    return { name: agent.name, receiptId, provenCut: (revokedAtMs) => proveCut(ended, revokedAtMs) }
  } finally {
    provider.setStream(normalPace)
  }
}

/** Never rejects: a stream nobody waits for any more may end as it likes. */
async function readToEnd(stream: AsyncIterable<string>, onPiece: () => void): Promise<End> {
  let pieces = 0
  try {
    for await (const _ of stream) {
      pieces += 1
      onPiece()
    }
    return { atMs: performance.now(), error: undefined, pieces }
  } catch (error) {
    return { atMs: performance.now(), error, pieces }
  }
}

async function proveCut(ended: Promise<End>, revokedAtMs: number): Promise<string> {
  const leftMs = Math.max(0, revokedAtMs + cutWithinMs - performance.now())
  const end = await Promise.race([ended, sleep(leftMs, undefined, { ref: false })])
  demand(
    end !== undefined,
    `it still runs ${milliseconds(performance.now() - revokedAtMs)} after DisableKey’s answer`,
  )
  demand(end.error !== undefined, 'it ended as if it were complete')
  const { code } = refusalIn(end.error)
  demand(code === 'kek_revoked', `its reader was told ${code ?? 'nothing'}`)
  return `${milliseconds(end.atMs - revokedAtMs)} after DisableKey’s answer, ${end.pieces} pieces in: ${code}`
}
