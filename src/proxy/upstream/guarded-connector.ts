import { constants } from 'node:crypto'
import { lookup as resolve, type LookupAddress, type LookupAllOptions } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import type { AddressGuard } from './address-guard.ts'
import { guardSocket, type CredentialWriterDeps } from './credential-writer.ts'
import { UpstreamError } from './upstream-error.ts'

/** `dns.lookup` in its form for all addresses. */
export type ResolveAll = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

export type ConnectorOptions = {
  readonly guard: AddressGuard
  readonly writer: CredentialWriterDeps
  readonly connectTimeoutMs: number
  /** PEM certificates trusted instead of the system's. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[]
  readonly resolveAll?: ResolveAll
}

/**
 * Connects to one origin: only to an address that the guard lets through, the very one that was checked, by
 * HTTP/1.1; and gives every socket its credential writer.
 */
export function createConnector(origin: string, options: ConnectorOptions): buildConnector.connector {
  const { guard, writer, connectTimeoutMs, ca, resolveAll = resolve } = options
  const connect = buildConnector({
    allowH2: false,
    timeout: connectTimeoutMs,
    lookup: guardedLookup(origin, guard, resolveAll),
    // During a renegotiation SSL_write takes nothing, and node then keeps a copy of the cleartext.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca: typeof ca === 'string' || Buffer.isBuffer(ca) ? ca : [...ca] }),
  })
  return (target, callback) => {
    if (isIP(target.hostname) !== 0 && !guard.isAddressAllowed(origin, target.hostname)) {
      queueMicrotask(() => callback(new UpstreamError('address-refused'), null))
      return
    }
    connect(target, (error, socket) => {
      if (error !== null) return callback(error, null)
      guardSocket(socket, writer)
      return callback(null, socket)
    })
  }
}

/** One forbidden address among several refuses them all: a public name has no business in a private network. */
function guardedLookup(origin: string, guard: AddressGuard, resolveAll: ResolveAll): LookupFunction {
  return (hostname, options, callback) => {
    resolveAll(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '')
      const [first] = addresses
      if (first === undefined || !addresses.every(({ address }) => guard.isAddressAllowed(origin, address))) {
        return callback(new UpstreamError('address-refused'), '')
      }
      return options.all === true ? callback(null, addresses) : callback(null, first.address, first.family)
    })
  }
}
