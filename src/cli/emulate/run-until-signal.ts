import { CliError } from '#cli/cli-error.ts'
import type { CliIo } from '#cli/io.ts'

/** Where the emulators listen: only on this machine, because whoever reaches them may control them. */
export const emulatorHost = '127.0.0.1'

/** Starts an emulator, lets `announce` say what to do with it, and keeps it until the process is asked to stop. */
export async function runUntilSignal<Emulator extends AsyncDisposable>(
  io: CliIo,
  start: () => Promise<Emulator>,
  announce: (emulator: Emulator) => void,
): Promise<void> {
  const stopped = new Promise<void>((resolve) => io.onSignal(resolve))
  await using emulator = await start().catch((error: unknown) => {
    throw explain(error)
  })
  announce(emulator)
  await stopped
}

function explain(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code !== 'EADDRINUSE' && code !== 'EACCES') return error
  const why = code === 'EACCES' ? 'may not be listened on by this user' : 'is taken'
  const port = error instanceof Error && 'port' in error ? ` ${String(error.port)}` : ''
  return new CliError(
    'port_unavailable',
    `port${port} of ${emulatorHost} ${why}.`,
    'Choose another: --port PORT (0 takes a free one).',
  )
}
