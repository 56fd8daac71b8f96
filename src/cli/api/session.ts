import { CliError } from '#cli/cli-error.ts'
import type { CliIo } from '#cli/io.ts'
import { Output } from '#cli/output/output.ts'
import { isWellFormedToken } from '#integrity/token.ts'
import { ApiClient } from './client.ts'

/** What a command works with that talks to the API. */
export type Session = Readonly<{ io: CliIo; api: ApiClient; out: Output }>

export type OutputOptions = Readonly<{ json?: boolean }>

/**
 * Opens the API that HASP_URL and HASP_TOKEN name. Nothing is sent yet.
 * @throws {CliError} `usage`, naming everything that is missing or wrong at once
 */
export function openSession(io: CliIo, options: OutputOptions): Session {
  const out = new Output(io, options.json === true)
  const url = readUrl(io.env['HASP_URL'])
  const token = readToken(io.env['HASP_TOKEN'])
  const faults = [url, token].flatMap((read) => ('fault' in read ? [read.fault] : []))
  if ('fault' in url || 'fault' in token) {
    throw new CliError(
      'usage',
      faults.join('\n'),
      `Type this, then paste the token that 'hasp serve' printed at its first start, and press Enter:\n\nexport HASP_URL=${'fault' in url ? 'http://127.0.0.1:4700' : url.value}; read -rs HASP_TOKEN; export HASP_TOKEN`,
    )
  }
  if (url.isInTheClear) {
    out.note(
      `Warning: ${url.value} is plain HTTP to another machine. Tokens and credentials travel unencrypted.`,
    )
  }
  return { io, out, api: new ApiClient({ url: url.value, token: token.value }) }
}

type Read = { fault: string } | { value: string; isInTheClear: boolean }

function readUrl(given: string | undefined): Read {
  if (given === undefined || given === '')
    return { fault: 'HASP_URL is not set: it says where Hasp listens.' }
  const url = URL.parse(given)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return { fault: 'HASP_URL is not an http(s) URL.' }
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    return { fault: 'HASP_URL must hold neither a user name, nor a query, nor a fragment.' }
  }
  const isInTheClear = url.protocol === 'http:' && !/^(localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname)
  return { value: url.origin + url.pathname.replace(/\/+$/, ''), isInTheClear }
}

function readToken(given: string | undefined): Read {
  if (given === undefined || given === '') {
    return { fault: 'HASP_TOKEN is not set: it takes an admin token (hasp_admin_…).' }
  }
  if (isWellFormedToken('hasp_admin', given)) return { value: given, isInTheClear: false }
  return { fault: `${whatItIs(given)} Nothing was sent.` }
}

/** Never shows any of it, and never lets it out: whatever it is, it was not meant for Hasp. */
function whatItIs(given: string): string {
  if (given.startsWith('hasp_admin_')) {
    return 'HASP_TOKEN holds an admin token that is not whole, or has a typing error in it: copy it once more.'
  }
  if (given.startsWith('hasp_vk_')) {
    return 'HASP_TOKEN holds a virtual key, which is for agents: this command takes an admin token (hasp_admin_…).'
  }
  return 'HASP_TOKEN holds something else than an admin token (hasp_admin_…), a credential of a provider perhaps.'
}
