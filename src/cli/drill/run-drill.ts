import { setTimeout as sleep } from 'node:timers/promises'
import { withHint } from '#cli/api/api-problem.ts'
import { findNamed } from '#cli/api/find-named.ts'
import type { Drill } from '#cli/api/replies.ts'
import type { OutputOptions, Session } from '#cli/api/session.ts'
import { CliError } from '#cli/cli-error.ts'
import type { Cli } from '#cli/command.ts'
import { shellWord } from '#cli/output/words.ts'
import { confirm } from '#cli/terminal/confirm.ts'
import { formatDrill, seconds } from './format-drill.ts'
import { leversOf, type LeverOptions } from './lever.ts'

export type DrillOptions = OutputOptions &
  LeverOptions &
  Readonly<{ yes?: boolean; bound?: number; interval?: number; duration?: number; settle: number }>

const pollMs = 250

/** Starts a drill, works the levers, and shows what came of it. */
export async function runDrill(
  cli: Cli,
  session: Session,
  named: string,
  options: DrillOptions,
): Promise<void> {
  const { io, api, out } = session
  const levers = leversOf(io, options)
  const kek = await findNamed(api, 'kek', named)
  await confirm(
    io,
    options,
    `This drill has you take the KEK "${kek.name}" away: whatever is sealed under it is refused until you give it back. A separate KEK of the same set-up spares your traffic.`,
  )
  const leaving = new AbortController()
  io.onSignal(() => leaving.abort())
  const started = await withHint(
    api.send<Drill>('POST', `/keks/${kek.id}/drills`, wantedOf(options)),
    (code) => (code === 'kek_not_active' ? `hasp kek show ${shellWord(kek.name)}` : undefined),
  )
  const watch = new DrillWatch(session, started, leaving.signal)
  const facts = { HASP_DRILL_KEK_REF: kek.kekRef, HASP_DRILL_KEK_NAME: kek.name }
  let isAway = false
  try {
    out.note(`A canary asks every ${started.canaryIntervalMs} ms, in mode ${started.unwrapMode}.`)
    await watch.until((drill) => drill.measure.served > 0)
    isAway = true
    await watch.mark('withdrawn', await levers.withdraw(facts, leaving.signal))
    out.note('Withdrawn. Waiting until it is refused …')
    await watch.untilRefusedFor(options.settle)
    out.note(refusedNote(watch.drill))
    // From here on it may be served again, before anybody could say so.
    if (options.restoredAt === undefined) await watch.mark('restoring', undefined)
    await watch.mark('restored', await levers.restore(facts, leaving.signal))
    isAway = false
    out.note('Given back. Waiting until it is served …')
    await watch.until((drill) => drill.state !== 'running')
  } catch (error) {
    if (watch.drill.state === 'running') await watch.end()
    if (isAway) out.note(`\nThe KEK "${kek.name}" may still be withdrawn: give it back in your cloud.`)
    if (!(error instanceof CliError) || error.code !== 'drill_ended') throw error
  }
  out.answer(watch.drill, () => formatDrill(watch.drill, kek))
  const { state, measure } = watch.drill
  if (state !== 'finished' || measure.verdict !== 'within') cli.exitCode = 1
}

function wantedOf({ bound, interval, duration }: DrillOptions): Record<string, number> {
  return {
    ...(bound === undefined ? {} : { boundMs: bound }),
    ...(interval === undefined ? {} : { canaryIntervalMs: interval }),
    ...(duration === undefined ? {} : { durationMs: duration }),
  }
}

function refusedNote({ measure: { lastSuccess, firstRefusal } }: Drill): string {
  return `Refused (${firstRefusal?.code ?? 'no reason given'}). Last served ${seconds(lastSuccess?.afterMs)} after the withdrawal.`
}

/** A drill as it is seen from here. */
class DrillWatch {
  drill: Drill
  readonly #session: Session
  readonly #leaving: AbortSignal
  readonly #path: string

  constructor(session: Session, drill: Drill, leaving: AbortSignal) {
    this.#session = session
    this.drill = drill
    this.#leaving = leaving
    this.#path = `/keks/${drill.kekId}/drills/${drill.id}`
  }

  /** @throws {CliError} `drill_ended` where it ends before it `isSo`; `cancelled` on Ctrl-C */
  async until(isSo: (drill: Drill) => boolean): Promise<void> {
    for (;;) {
      this.drill = await this.#session.api.get<Drill>(this.#path)
      if (isSo(this.drill)) return
      if (this.drill.state !== 'running') throw new CliError('drill_ended', 'the drill has ended.')
      await sleep(pollMs, undefined, { signal: this.#leaving }).catch(() => {})
      if (this.#leaving.aborted) throw new CliError('cancelled', 'cancelled: the drill was ended.')
    }
  }

  /** Refusals may be followed by an answer of a server that has not heard yet: waits for the last of those. */
  async untilRefusedFor(settleMs: number): Promise<void> {
    let lastSuccessAt: string | undefined
    let sinceMs = performance.now()
    await this.until(({ measure }) => {
      if (measure.lastSuccess?.at !== lastSuccessAt) {
        lastSuccessAt = measure.lastSuccess?.at
        sinceMs = performance.now()
      }
      return measure.firstRefusal !== null && performance.now() - sinceMs >= settleMs
    })
  }

  async mark(mark: 'withdrawn' | 'restoring' | 'restored', at: string | undefined): Promise<void> {
    if (this.#leaving.aborted) throw new CliError('cancelled', 'cancelled: the drill was ended.')
    this.drill = await this.#session.api.send<Drill>('POST', `${this.#path}/marks`, {
      mark,
      ...(at === undefined ? {} : { at }),
    })
  }

  /** Tried only: whoever comes here has something worse to say. */
  async end(): Promise<void> {
    await this.#session.api.send<Drill>('POST', `${this.#path}/end`).catch(() => {})
  }
}
