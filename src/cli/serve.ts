import { readFile } from 'node:fs/promises'
import { loadConfig } from '#config/load-config.ts'
import { createContext } from '#context.ts'
import { createLog } from '#telemetry/log.ts'
import { printLine, type CliIo } from './io.ts'

/**
 * `hasp serve`: runs the service until it is asked to stop, then drains. A second signal ends it at once.
 * @returns the exit code
 */
export async function serveHasp(io: CliIo): Promise<number> {
  const config = loadConfig(io.env)
  const log = createLog(config.logLevel)
  const context = await createContext({ config, log, version: await version() })
  const stopped = new Promise<void>((resolve) => io.onSignal(resolve))
  await context.server.listen({ port: config.port, host: config.host })

  const url = config.publicUrl ?? addressOf(context.server.server.address())
  printLine(io, `Hasp listens on ${url}`)
  if (context.firstOrganisation !== null) printWelcome(io, url, context.firstOrganisation.token)
  log.info({ url }, 'listening')

  await stopped
  log.info('stopping: waiting for calls under way')
  await context[Symbol.asyncDispose]()
  return 0
}

/** The token is printed this once: from here on only its digest exists. */
function printWelcome(io: CliIo, url: string, token: string): void {
  printLine(
    io,
    `
This is a new Hasp. Its first organisation is called "default". Its admin token, shown this once:

  ${token}

The next three things to type, in another terminal:

  export HASP_URL=${url}; read -rs HASP_TOKEN; export HASP_TOKEN        # paste the token
  bin/hasp kek register --provider local --name trial --verify
  bin/hasp target add --provider openai --name openai --kek trial        # asks for the credential

then 'bin/hasp vkey issue --name my-agent --targets all' and point an SDK at ${url}/openai/v1.
'trial' is a key in a file on this machine; for your own AWS KMS key see 'bin/hasp kek register --help'.
`,
  )
}

function addressOf(address: string | { address: string; family: string; port: number } | null): string {
  if (address === null || typeof address === 'string') return 'http://127.0.0.1'
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${address.port}`
}

async function version(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : '0'
}
