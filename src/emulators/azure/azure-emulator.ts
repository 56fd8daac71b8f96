import { type DiagnosticLogOptions, openDiagnosticLog } from './audit/diagnostic-log.ts'
import { AzureEmulatorControl } from './control/control.ts'
import { serveControl } from './control/control-api.ts'
import type { Seed } from './control/inputs.ts'
import { plantSeed } from './control/seed.ts'
import { EntraDirectory } from './entra/directory.ts'
import { Issuers } from './entra/issuers.ts'
import { TokenSigner } from './entra/jwt.ts'
import { serveEntra } from './entra/token-endpoint.ts'
import type { AzureFaultEffect } from './faults.ts'
import { RoleAssignments } from './rbac/assignments.ts'
import type { VaultSettings } from './vault/call.ts'
import { Stores } from './vault/store.ts'
import { serveVault } from './vault/vault-endpoint.ts'
import { type AzureReply, type AzureRequest, jsonReply } from './wire/azure-reply.ts'
import { createEmulatorCertificate } from './wire/certificate.ts'
import { listenHttps } from './wire/https-server.ts'
import { Faults } from '#emulators/common/faults.ts'
import { closeAtOnce } from '#emulators/common/listen.ts'
import { ServiceClock } from '#emulators/common/service-clock.ts'

export type AzureEmulatorOptions = Readonly<{
  /** 0, the default, takes a free port. */
  port?: number | undefined
  /** `127.0.0.1` unless told otherwise: whoever reaches the port may also use the control API. */
  host?: string | undefined
  /** Milliseconds since the epoch; the machine's clock by default. */
  clock?: (() => number) | undefined
  /** How long changes of roles, key state and network rules take to bite. */
  effectDelayMs?: number | undefined
  auditLog?: DiagnosticLogOptions | undefined
  seed?: Seed | undefined
}>

/** A running emulator: what {@link AzureEmulatorControl} offers, over the same memory that the wire sees. */
export type AzureEmulator = AsyncDisposable &
  Readonly<{
    /** Where every host of Azure's is served, and the control API: `https://127.0.0.1:<port>`. */
    url: string
    host: string
    port: number
    /** PEM of the certificate that all hosts go by; a client that is to trust it takes it as its CA. */
    ca: string
    control: AzureEmulatorControl
    /**
     * Where a client is to connect for one of Azure's host names.
     * @throws {Error} with code `ENOTFOUND` for a store that does not exist, as DNS would
     */
    connectTo: (host: string) => { host: string; port: number }
    /** Whether DNS would know the name. */
    connects: (host: string) => boolean
    stop: () => Promise<void>
  }>

const AUTHORITY = /^login\.(?:microsoftonline\.(?:com|us)|chinacloudapi\.cn)$/

/**
 * Starts Entra, Key Vault and Managed HSM on this machine: TLS under Azure's own host names, tokens, roles,
 * cryptography and AuditEvent records (docs/emulators.md says what is modelled, and what not).
 *
 * @throws {Error} when the port is taken, the NDJSON file cannot be opened or the seed is at fault
 */
export async function startAzureEmulator(options: AzureEmulatorOptions = {}): Promise<AzureEmulator> {
  const clock = new ServiceClock(options.clock)
  let disconnectStore: (host: string) => void = () => {}
  await using starting = new AsyncDisposableStack()
  const log = starting.use(await openDiagnosticLog(options.auditLog ?? {}))
  const directory = new EntraDirectory(clock)
  const issuers = new Issuers(clock)
  const signer = new TokenSigner('entra-1')
  const faults = new Faults<AzureFaultEffect>()
  const settings: VaultSettings = { effectDelayMs: options.effectDelayMs ?? 0 }
  const stores = new Stores(clock, (name) => disconnectStore(name))
  const roles = new RoleAssignments(clock)
  const control = new AzureEmulatorControl({
    directory,
    issuers,
    stores,
    roles,
    clock,
    settings,
    faults,
    log,
  })
  if (options.seed !== undefined) await plantSeed(control, options.seed)
  const entra = { directory, issuers, signer, clock, faults }
  const vault = { vault: { stores, roles, clock, settings }, faults, log, signer }
  const serveAzure = async (request: AzureRequest): Promise<AzureReply> => {
    if (AUTHORITY.test(request.host)) return serveEntra(entra, request)
    const store = stores.byHost(request.host)
    return store === undefined
      ? jsonReply(421, {
          error: { code: 'UnknownHost', message: 'No such host of Azure’s is emulated here.' },
        })
      : serveVault(vault, request, store)
  }
  const certificate = await createEmulatorCertificate()
  const host = options.host ?? '127.0.0.1'
  const { server, port, url, disconnect } = await listenHttps(
    { azure: serveAzure, control: (path, request) => serveControl(control, path, request) },
    certificate,
    host,
    options.port ?? 0,
  )
  disconnectStore = disconnect
  starting.defer(async () => closeAtOnce(server))
  const running = starting.move()
  const stop = async (): Promise<void> => running.disposeAsync()
  const connects = (name: string) => AUTHORITY.test(name) || stores.byHost(name) !== undefined
  return {
    url,
    host,
    port,
    ca: certificate.cert,
    control,
    connects,
    connectTo: (name) => {
      if (connects(name)) return { host, port }
      throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' })
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
