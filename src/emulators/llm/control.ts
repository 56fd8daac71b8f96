import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AcceptedCredentials } from './accepted-credentials.ts'
import { parseObject, readBody } from './read-body.ts'
import type { RequestJournal } from './request-journal.ts'
import { writeJson } from './write-answer.ts'

const CONTROL_PREFIX = '/_emulator/'

type Controlled = { readonly accepted: AcceptedCredentials; readonly journal: RequestJournal }

export function isControlPath(url: string): boolean {
  return url.startsWith(CONTROL_PREFIX)
}

/**
 * What a test or a demo in another process may ask:
 * `PUT /_emulator/credentials` `{"secrets": ["…"]}` replaces the accepted ones (204),
 * `GET /_emulator/requests` → `{"requests": […]}`, `GET /_emulator/count` → `{"count": n}`.
 */
export async function answerControl(
  { accepted, journal }: Controlled,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request)
  switch (`${request.method} ${request.url}`) {
    case 'GET /_emulator/requests':
      return writeJson(response, 200, { requests: journal.entries() })
    case 'GET /_emulator/count':
      return writeJson(response, 200, { count: journal.count })
    case 'PUT /_emulator/credentials': {
      const secrets = parseObject(body)?.['secrets']
      if (!isStrings(secrets))
        return writeJson(response, 400, { error: 'secrets must be an array of strings' })
      accepted.set(secrets)
      response.writeHead(204).end()
      return undefined
    }
    default:
      return writeJson(response, 404, { error: 'no such control path' })
  }
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
}
