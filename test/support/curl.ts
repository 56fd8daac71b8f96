/**
 * `curl` for tests that type what Hasp prints, on a machine that has none: what those lines use, with curl's own
 * meaning and exit codes, and exit code 2 for everything else.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import { buffer } from 'node:stream/consumers'
import { parseArgs } from 'node:util'

const notUnderstood = 2
const noReply = 7
const refused = 22

class Failure extends Error {
  readonly exitCode: number

  constructor(exitCode: number, message: string) {
    super(`curl: (${exitCode}) ${message}`)
    this.exitCode = exitCode
  }
}

/** Without `--fail-with-body`, `-s` and `-S` the real one would do other things: they are demanded. */
function parse(argv: string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        'fail-with-body': { type: 'boolean' },
        silent: { type: 'boolean', short: 's' },
        'show-error': { type: 'boolean', short: 'S' },
        cacert: { type: 'string' },
        header: { type: 'string', short: 'H', multiple: true, default: [] },
        data: { type: 'string', short: 'd', multiple: true, default: [] },
      },
    })
    const isQuiet = values.silent && values['show-error'] && values['fail-with-body']
    if (!isQuiet || positionals.length !== 1) throw new Error('Takes -sS, --fail-with-body and one URL.')
    return { ...values, url: new URL(positionals[0] ?? '') }
  } catch (error) {
    throw new Failure(notUnderstood, String(error))
  }
}

/** `@file` is the file's content without its line ends, as curl's `--data` sends it. */
function contentOf(data: string): Buffer {
  if (!data.startsWith('@')) return Buffer.from(data)
  return Buffer.from(
    readFileSync(data.slice(1)).filter((byte) => !'\r\n\0'.includes(String.fromCharCode(byte))),
  )
}

/** Writes the body that comes, also that of a refusal. */
async function curl(argv: string[]): Promise<void> {
  const { url, cacert, data, header } = parse(argv)
  const headers = header.flatMap((line) => {
    const [name = '', value = ''] = line.split(/: *(.*)/s)
    return [name, value]
  })
  const bodies = data.map(contentOf)
  const body = Buffer.concat(
    bodies.flatMap((part, index) => (index === 0 ? [part] : [Buffer.from('&'), part])),
  )
  const options = { method: data.length === 0 ? 'GET' : 'POST', headers: ['host', url.host, ...headers] }
  if (data.length > 0) options.headers.push('content-length', String(body.length))
  const request =
    url.protocol === 'https:'
      ? requestHttps(url, { ...options, ...(cacert === undefined ? {} : { ca: readFileSync(cacert) }) })
      : requestHttp(url, options)
  request.end(body)
  const [reply] = (await once(request, 'response').catch((error: unknown) => {
    throw new Failure(noReply, String(error))
  })) as [IncomingMessage]
  process.stdout.write(await buffer(reply))
  const status = reply.statusCode ?? 0
  if (status >= 400) throw new Failure(refused, `The requested URL returned error: ${status}`)
}

try {
  await curl(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = error instanceof Failure ? error.exitCode : 1
}
