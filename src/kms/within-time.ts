import { KekFault } from './kek-fault.ts'

type Limits<Result> = Readonly<{
  timeoutMs: number
  /** The caller's own way to give up. */
  signal: AbortSignal | undefined
  /** Takes a result that comes after the end was declared: it may hold a secret that nobody would wipe. */
  discard: ((late: Result) => void) | undefined
}>

/**
 * Runs `call` and settles within the time limit, whether or not `call` heeds the signal it is given.
 * @throws {KekFault} `unreachable`, code `timeout` or `aborted`; and whatever `call` throws in time.
 */
export async function withinTime<Result>(
  call: (signal: AbortSignal) => Promise<Result>,
  { timeoutMs, signal, discard }: Limits<Result>,
): Promise<Result> {
  if (signal?.aborted === true) throw gaveUp()
  const controller = new AbortController()
  const end = Promise.withResolvers<never>()
  const giveUp = (fault: KekFault) => {
    end.reject(fault)
    controller.abort()
  }
  const abort = () => giveUp(gaveUp())
  const timer = setTimeout(() => giveUp(tooLate()), timeoutMs)
  signal?.addEventListener('abort', abort, { once: true })
  const pending = call(controller.signal)
  try {
    return await Promise.race([pending, end.promise])
  } catch (error) {
    if (controller.signal.aborted && discard !== undefined) void discardLate(pending, discard)
    throw error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

async function discardLate<Result>(pending: Promise<Result>, discard: (late: Result) => void): Promise<void> {
  try {
    discard(await pending)
  } catch {
    // It failed as well: there is nothing to discard, and the caller has its answer.
  }
}

function tooLate(): KekFault {
  return new KekFault('unreachable', 'timeout', 'The KMS did not answer in time; nothing was changed.')
}

export function gaveUp(): KekFault {
  return new KekFault('unreachable', 'aborted', 'The call was given up before the KMS answered.')
}
