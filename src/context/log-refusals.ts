import { AttemptLimit } from '#http/attempt-limit.ts'
import type { RefusedRequest } from '#proxy/deps.ts'
import type { Logger } from '#telemetry/log.ts'

const linesPerMinuteMax = 30

/**
 * Writes one line for each request that was refused, so that the id which a user quotes is found. At `info` where the
 * caller is known, and only the first 30 of a minute of each virtual key: neither strangers nor an agent that asks
 * without end may fill a disk. All others are written at `debug`.
 */
export function logRefusals(log: Logger): (refused: RefusedRequest) => void {
  const lines = new AttemptLimit({ attemptsMax: linesPerMinuteMax, windowMs: 60_000 })
  return ({ requestId, code, receiptId, caller }) => {
    const isShown = caller !== undefined && lines.take(caller.virtualKeyId)
    log[isShown ? 'info' : 'debug']({ requestId, code, receiptId, ...caller }, 'refused')
  }
}
