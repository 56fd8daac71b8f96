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
export function withinTime<Result>(
  call: (signal: AbortSignal) => Promise<Result>,
  { timeoutMs, signal, discard }: Limits<Result>,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(gaveUp())
    const controller = new AbortController()
    let isOver = false
    const end = () => {
      isOver = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    const giveUp = (fault: KekFault) => {
      end()
      reject(fault)
      controller.abort()
    }
    const abort = () => giveUp(gaveUp())
    const timer = setTimeout(() => giveUp(tooLate()), timeoutMs)
    signal?.addEventListener('abort', abort, { once: true })
    const settle = async (): Promise<void> => {
      try {
        const result = await call(controller.signal)
        if (isOver) return discard?.(result)
        end()
        resolve(result)
      } catch (error) {
        // After the end the caller has its answer.
        if (isOver) return
        end()
        reject(error)
      }
    }
    void settle()
  })
}

function tooLate(): KekFault {
  return new KekFault('unreachable', 'timeout', 'The KMS did not answer in time; nothing was changed.')
}

export function gaveUp(): KekFault {
  return new KekFault('unreachable', 'aborted', 'The call was given up before the KMS answered.')
}
