import type { OutputOptions } from '#cli/api/session.ts'
import { printLine, type CliIo } from '#cli/io.ts'
import { commandWord } from '#cli/output/as-typed.ts'
import { requireDataDir } from '#cli/service/require-data-dir.ts'
import { readVersion } from '#cli/version.ts'
import { loadConfig } from '#config/load-config.ts'
import { createLog } from '#telemetry/log.ts'
import { explainListenFailure, requirePort } from './require-port.ts'
import { welcome } from './welcome.ts'

/** Runs the service until it is asked to stop, then drains. A second signal ends it at once. */
export async function serveHasp(io: CliIo, options: OutputOptions): Promise<void> {
  const config = loadConfig(io.env)
  await requireDataDir(config)
  await requirePort(config.host, config.port)

  const log = createLog(config.logLevel)
  const { createContext } = await import('#context.ts')
  await using context = await createContext({ config, log, version: await readVersion() })
  const stopped = new Promise<void>((resolve) => io.onSignal(resolve))
  const failure = await listen(context.server, config)
  const url = config.publicUrl ?? addressOf(context.server.server.address(), config)

  // Even when listening failed: the organisation is made, and this is the only time its token is known.
  const first = context.firstOrganisation
  if (options.json === true) {
    printLine(io, JSON.stringify({ url, firstOrganisation: first }))
  } else {
    if (failure === null) printLine(io, `Hasp listens on ${url}`)
    if (first !== null) printLine(io, welcome({ url, token: first.token, hasp: commandWord(io) }))
  }
  if (failure !== null) throw failure.error
  log.info({ url }, 'listening')

  await stopped
  log.info('stopping: waiting for calls under way')
}

async function listen(
  server: { listen: (address: { host: string; port: number }) => Promise<string> },
  { host, port }: { host: string; port: number },
): Promise<{ error: unknown } | null> {
  try {
    await server.listen({ host, port })
    return null
  } catch (error) {
    return { error: explainListenFailure(error, host, port) }
  }
}

type Address = string | { address: string; family: string; port: number } | null

function addressOf(address: Address, wanted: { host: string; port: number }): string {
  if (address === null || typeof address === 'string') return `http://${wanted.host}:${wanted.port}`
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host === '0.0.0.0' ? '127.0.0.1' : host.replace('[::]', '[::1]')}:${address.port}`
}
