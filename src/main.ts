import { runCli } from '#cli/hasp.ts'

/** A terminal's Ctrl-C may arrive twice at once: npm hands on what the process group got already. */
const secondSignalMs = 1_000
const interrupted = 130

let stopAskedAtMs: number | undefined
const stopListeners: (() => void)[] = []
function askToStop(): void {
  const nowMs = performance.now()
  if (stopAskedAtMs !== undefined && nowMs - stopAskedAtMs > secondSignalMs) process.exit(interrupted)
  stopAskedAtMs ??= nowMs
  for (const listener of stopListeners) listener()
}

// Whoever reads our output may stop reading (`hasp ledger | head`): that is no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // EIO: the terminal behind it is gone.
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
  })
}

process.exitCode = await runCli({
  argv: process.argv.slice(2),
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  onSignal: (listener) => {
    if (stopListeners.push(listener) > 1) return
    process.on('SIGINT', askToStop)
    process.on('SIGTERM', askToStop)
    // The terminal was closed: as orderly an end as any other.
    process.on('SIGHUP', askToStop)
  },
})
