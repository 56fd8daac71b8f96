import { setTimeout as sleep } from 'node:timers/promises'
import type { Drill, DrillState } from './drill.ts'
import { measureDrill, type CanarySample, type DrillMeasure } from './measure.ts'
import { noteDrilled } from './note-drilled.ts'
import { endDrill, syncDrill, type DrillOrders } from './repository.ts'
import { sendCanary, type CanaryDeps } from './send-canary.ts'

type Deps = CanaryDeps & Readonly<{ onError: (error: unknown, drillId: string) => void }>

/** Canaries of one drill that may be under way at once; beyond them, one is left out. */
const canariesUnderWayMax = 64
const syncMs = 500

/** Runs the drills that were started on this node; disposing of it ends them as `interrupted`. */
export class DrillRunner implements AsyncDisposable {
  readonly #deps: Deps
  readonly #running = new Set<Promise<void>>()
  readonly #stopping = new AbortController()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  run(drill: Drill): void {
    const running = this.#carryOut(drill)
      .catch((error: unknown) => this.#deps.onError(error, drill.id))
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#running)
  }

  async #carryOut(drill: Drill): Promise<void> {
    const deps = this.#deps
    const samples: CanarySample[] = []
    const underWay = new Set<Promise<void>>()
    let orders: DrillOrders = {
      withdrawnAt: null,
      restoringAt: null,
      restoredAt: null,
      isEndAsked: false,
    }
    let end: DrillState | undefined
    let syncedAtMs = performance.now()
    // By the clock, not by the answers: a slow KMS must not thin the canaries out.
    let nextAtMs = performance.now()
    while (end === undefined) {
      if (underWay.size < canariesUnderWayMax) {
        const canary = sendCanary(deps, drill)
          .then((sample) => void samples.push(sample))
          .catch((error: unknown) => deps.onError(error, drill.id))
          .finally(() => underWay.delete(canary))
        underWay.add(canary)
      }
      nextAtMs = Math.max(nextAtMs + drill.canaryIntervalMs, performance.now())
      await this.#pause(nextAtMs - performance.now())
      if (performance.now() - syncedAtMs < syncMs && !this.#stopping.signal.aborted) continue
      syncedAtMs = performance.now()
      const measure = measureOf(drill, samples, orders)
      const said = await this.#sync(drill, orders, measure)
      if (said === null) return
      orders = said
      end = this.#endOf(drill, orders, measureOf(drill, samples, orders))
    }
    await Promise.all(underWay)
    await this.#end(drill, orders, { state: end, measure: measureOf(drill, samples, orders) })
  }

  #endOf(drill: Drill, { isEndAsked }: DrillOrders, measure: DrillMeasure): DrillState | undefined {
    if (measure.firstSuccessAgain !== null) return 'finished'
    if (isEndAsked) return 'ended-early'
    if (this.#deps.now() >= drill.endsBy) return 'expired'
    return this.#stopping.signal.aborted ? 'interrupted' : undefined
  }

  /** A database that is away for a moment ends no drill. */
  async #sync(drill: Drill, before: DrillOrders, measure: DrillMeasure): Promise<DrillOrders | null> {
    try {
      return await syncDrill(this.#deps.db.kysely, drill, this.#deps.now(), measure)
    } catch (error) {
      this.#deps.onError(error, drill.id)
      return before
    }
  }

  async #end(
    drill: Drill,
    { withdrawnAt, restoringAt, restoredAt }: DrillOrders,
    { state, measure }: Readonly<{ state: DrillState; measure: DrillMeasure }>,
  ): Promise<void> {
    const { db, now } = this.#deps
    await db.transaction(async (trx) => {
      const at = now()
      if (!(await endDrill(trx, drill, { state, at, measure }))) return
      await noteDrilled(trx, { ...drill, state, withdrawnAt, restoringAt, restoredAt, measure }, at)
    })
  }

  async #pause(ms: number): Promise<void> {
    await sleep(Math.max(0, ms), undefined, { signal: this.#stopping.signal }).catch(() => {})
  }
}

function measureOf(drill: Drill, samples: readonly CanarySample[], orders: DrillOrders): DrillMeasure {
  return measureDrill(
    samples,
    {
      withdrawnAtMs: orders.withdrawnAt?.getTime() ?? null,
      restoringAtMs: orders.restoringAt?.getTime() ?? null,
      restoredAtMs: orders.restoredAt?.getTime() ?? null,
    },
    drill,
  )
}
