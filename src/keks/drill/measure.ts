/** One canary, as it came out. Times in milliseconds since the epoch, by the clock of the node that sent it. */
export type CanarySample = Readonly<{ begunAtMs: number; kmsRequestId: string | null }> &
  (
    | Readonly<{
        outcome: 'served'
        /** When the KMS gave the answer that served it; before `begunAtMs` where a held answer did. */
        answeredAtMs: number
        unwrapId: string
        isReused: boolean
      }>
    | Readonly<{ outcome: 'refused'; code: string }>
    /** Nobody could say (the KMS is unreachable, throttles, …): tells nothing of the KEK. */
    | Readonly<{ outcome: 'unanswered'; code: string }>
  )

/** What a drill has measured so far; spans in milliseconds, none below 0. */
export type DrillMeasure = Readonly<{
  served: number
  refused: number
  unanswered: number
  /** The last canary that was begun before the KEK was given back, and served. */
  lastSuccess: Readonly<{
    at: string
    /** Since the withdrawal; null until that is marked. */
    afterMs: number | null
    isReused: boolean
    unwrapId: string
    kmsRequestId: string | null
  }> | null
  firstRefusal: Readonly<{
    at: string
    afterMs: number | null
    code: string
    kmsRequestId: string | null
  }> | null
  firstSuccessAgain: Readonly<{
    at: string
    /** Since the restoration. */
    afterMs: number
    unwrapId: string
    kmsRequestId: string | null
  }> | null
  /** The longest that an answer of the KMS was used after it was given: Hasp's own share of the delay. */
  heldMsMax: number
  /** Whether canaries were refused well before the withdrawal was marked, so that the spans since it are too short. */
  isMarkedLate: boolean
  /** `unknown` as long as nothing was withdrawn, or was not refused and could still be in time. */
  verdict: 'within' | 'exceeded' | 'unknown'
}>

/** A cloud may refuse before it answers, and the mark has its way to go: so much is no lateness. */
const markLagMsMax = 1_000

type Bound = Readonly<{ boundMs: number; haspMs: number }>
type Marks = Readonly<{
  withdrawnAtMs: number | null
  restoringAtMs: number | null
  restoredAtMs: number | null
}>

/** Reads the canaries of a drill, in whatever order they ended. */
export function measureDrill(
  samples: readonly CanarySample[],
  { withdrawnAtMs, restoringAtMs, restoredAtMs }: Marks,
  bound: Bound,
): DrillMeasure {
  const ordered = samples.toSorted((a, b) => a.begunAtMs - b.begunAtMs)
  const served = ordered.filter((sample) => sample.outcome === 'served')
  const awayUntilMs = restoringAtMs ?? restoredAtMs ?? Infinity
  const away = ordered.filter(({ begunAtMs }) => begunAtMs < awayUntilMs)
  const lastSuccess = away.findLast((sample) => sample.outcome === 'served')
  const firstRefusal = away.find((sample) => sample.outcome === 'refused')
  const again = served.find(({ begunAtMs }) => begunAtMs >= awayUntilMs)
  const since = (atMs: number) => (withdrawnAtMs === null ? null : Math.max(0, atMs - withdrawnAtMs))
  const heldMsMax = served.reduce(
    (longest, { answeredAtMs, begunAtMs }) => Math.max(longest, begunAtMs - answeredAtMs),
    0,
  )
  const count = (outcome: CanarySample['outcome']) =>
    ordered.filter((sample) => sample.outcome === outcome).length
  return {
    served: served.length,
    refused: count('refused'),
    unanswered: count('unanswered'),
    lastSuccess:
      lastSuccess === undefined
        ? null
        : {
            at: new Date(lastSuccess.begunAtMs).toISOString(),
            afterMs: since(lastSuccess.begunAtMs),
            isReused: lastSuccess.isReused,
            unwrapId: lastSuccess.unwrapId,
            kmsRequestId: lastSuccess.kmsRequestId,
          },
    firstRefusal:
      firstRefusal === undefined
        ? null
        : {
            at: new Date(firstRefusal.begunAtMs).toISOString(),
            afterMs: since(firstRefusal.begunAtMs),
            code: firstRefusal.code,
            kmsRequestId: firstRefusal.kmsRequestId,
          },
    firstSuccessAgain:
      again === undefined || restoredAtMs === null
        ? null
        : {
            at: new Date(again.begunAtMs).toISOString(),
            afterMs: Math.max(0, again.begunAtMs - restoredAtMs),
            unwrapId: again.unwrapId,
            kmsRequestId: again.kmsRequestId,
          },
    heldMsMax,
    isMarkedLate:
      withdrawnAtMs !== null &&
      firstRefusal !== undefined &&
      firstRefusal.begunAtMs < withdrawnAtMs - markLagMsMax,
    verdict: verdictOf(
      {
        lastSuccessMs: lastSuccess === undefined ? null : since(lastSuccess.begunAtMs),
        isRefused: firstRefusal !== undefined,
        heldMsMax,
      },
      bound,
    ),
  }
}

function verdictOf(
  seen: Readonly<{ lastSuccessMs: number | null; isRefused: boolean; heldMsMax: number }>,
  { boundMs, haspMs }: Bound,
): DrillMeasure['verdict'] {
  // An answer held for too long breaks the rule whether or not anything was withdrawn.
  if (seen.heldMsMax > haspMs) return 'exceeded'
  if (seen.lastSuccessMs === null) return 'unknown'
  if (seen.lastSuccessMs > boundMs) return 'exceeded'
  return seen.isRefused ? 'within' : 'unknown'
}
