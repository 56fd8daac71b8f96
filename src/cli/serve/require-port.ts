import { once } from 'node:events'
import { createServer } from 'node:net'
import { CliError } from '#cli/cli-error.ts'

/**
 * Makes sure that this address can be listened on, before anything else is started: a first start that failed only
 * then would have made a token that nobody saw.
 * @throws {CliError} `port_unavailable`
 */
export async function requirePort(host: string, port: number): Promise<void> {
  const server = createServer()
  try {
    server.listen({ host, port, exclusive: true })
    await once(server, 'listening')
  } catch (error) {
    throw explainListenFailure(error, host, port)
  }
  server.close()
  await once(server, 'close')
}

/** Names the setting to change; `error` itself where listening is not what failed. */
export function explainListenFailure(error: unknown, host: string, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'EADDRINUSE':
      return new CliError(
        'port_unavailable',
        `port ${port} of ${host} is taken, by another Hasp perhaps.`,
        'Stop what listens there, or set HASP_PORT to another port (0 takes a free one).',
      )
    case 'EACCES':
      return new CliError(
        'port_unavailable',
        `port ${port} may not be listened on by this user.`,
        'Set HASP_PORT to a port from 1024 on.',
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new CliError(
        'port_unavailable',
        `${host} is not an address of this machine.`,
        'Set HASP_HOST to 127.0.0.1, to 0.0.0.0 for all of its addresses, or to one of them.',
      )
    default:
      return error
  }
}
