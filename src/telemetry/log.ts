import { pino, type DestinationStream, type Logger } from 'pino'

export type { Logger }

/**
 * The service log: JSON lines. Whatever could carry a secret is cut out by name as well, though nothing of ours
 * logs it: one layer more for the day when somebody logs a whole request.
 */
export function createLog(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError },
    redact: {
      paths: [
        'authorization',
        'token',
        'credential',
        'password',
        'headers',
        'req',
        'res',
        '*.authorization',
        '*.token',
        '*.credential',
        '*.password',
      ],
      censor: '[redacted]',
    },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}

/** An error's class, code, message and stack; never its cause or fields, which libraries fill with requests. */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return { type: error.name, code, message: error.message, stack: error.stack }
}
