import { runCli } from '#cli/hasp.ts'

process.exitCode = await runCli({
  argv: process.argv.slice(2),
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  onSignal: (listener) => {
    process.on('SIGINT', listener)
    process.on('SIGTERM', listener)
  },
})
