import { Faults } from '#emulators/common/faults.ts'
import { ServiceClock } from '#emulators/common/service-clock.ts'
import { createSelfSignedCertificate } from '#emulators/llm/self-signed-certificate.ts'
import { openAuditLog, type AuditLogOptions } from './audit/audit-log.ts'
import { serveControl } from './control/control-api.ts'
import { GoogleEmulatorControl } from './control/control.ts'
import type { Seed } from './control/inputs.ts'
import { plantSeed } from './control/seed.ts'
import type { FaultEffect } from './fault-effect.ts'
import { Roles } from './iam/roles.ts'
import type { KmsSettings } from './kms/method.ts'
import { ResourceStore } from './kms/resource-store.ts'
import { serveCall, type IncomingCall } from './kms/serve-call.ts'
import { IdentityProviders } from './tokens/identity-providers.ts'
import { ServiceAccounts } from './tokens/service-accounts.ts'
import { serveTokens } from './tokens/token-endpoint.ts'
import { TokenService } from './tokens/token-service.ts'
import { serveGrpc } from './wire/grpc.ts'
import { listen, type HttpReply, type HttpRequest } from './wire/http-server.ts'
import { noSuchPath, restError, serveRest } from './wire/rest.ts'

export type GoogleEmulatorOptions = Readonly<{
  /** 0, the default, takes a free port. */
  port?: number | undefined
  /** `127.0.0.1` unless told otherwise: whoever reaches the port may also use the control API. */
  host?: string | undefined
  /** Milliseconds since the epoch; the machine's clock by default. */
  clock?: (() => number) | undefined
  /** How long disabling and destroying take to bite. */
  effectDelayMs?: number | undefined
  /** How long changed IAM policies take to bite. */
  policyDelayMs?: number | undefined
  auditLog?: AuditLogOptions | undefined
  seed?: Seed | undefined
}>

/** A running emulator: what {@link GoogleEmulatorControl} offers, over the same memory that the wire sees. */
export type GoogleEmulator = AsyncDisposable &
  Readonly<{
    /** REST, token services and control: `http://127.0.0.1:<port>`. */
    url: string
    /** gRPC over TLS on the same port: `localhost:<port>`. */
    grpcEndpoint: string
    /** The certificate that this TLS is to be trusted by, PEM. */
    ca: string
    control: GoogleEmulatorControl
    stop: () => Promise<void>
  }>

/**
 * Starts Google Cloud KMS on this machine: gRPC and REST, tokens, IAM, real cryptography and audit logs
 * (docs/emulators.md says what is modelled, and what not).
 *
 * @throws {Error} when the port is taken, the NDJSON file cannot be opened or the seed is at fault
 */
export async function startGoogleEmulator(options: GoogleEmulatorOptions = {}): Promise<GoogleEmulator> {
  const clock = new ServiceClock(options.clock)
  await using starting = new AsyncDisposableStack()
  const log = starting.use(await openAuditLog(options.auditLog ?? {}))
  const settings: KmsSettings = {
    effectDelayMs: options.effectDelayMs ?? 0,
    policyDelayMs: options.policyDelayMs ?? 0,
  }
  const faults = new Faults<FaultEffect>()
  const resources = new ResourceStore(clock)
  const roles = new Roles()
  const accounts = new ServiceAccounts()
  const providers = new IdentityProviders()
  const tokens = new TokenService({
    accounts,
    providers,
    clock,
    machineNowMs: () => Date.now() + control.tokenSkewMs,
  })
  const control = new GoogleEmulatorControl({
    resources,
    roles,
    accounts,
    providers,
    tokens,
    clock,
    settings,
    faults,
    log,
  })
  if (options.seed !== undefined) plantSeed(control, options.seed)
  const calls = { kms: { resources, roles, clock, settings }, tokens, faults, log }
  const serve = (call: IncomingCall) => serveCall(calls, call)
  const http = async (request: HttpRequest): Promise<HttpReply> => {
    try {
      return (
        (await serveControl(control, request)) ??
        (await serveTokens({ tokens, faults }, request)) ??
        (await serveRest(serve, request)) ??
        noSuchPath(request.path)
      )
    } catch (error) {
      return restError(error)
    }
  }
  const certificate = createSelfSignedCertificate()
  const host = options.host ?? '127.0.0.1'
  const { close, port } = await listen(
    { http, grpc: (request, response) => serveGrpc(serve, request, response) },
    { certificate, host, port: options.port ?? 0 },
  )
  starting.defer(close)
  const running = starting.move()
  const stop = async (): Promise<void> => running.disposeAsync()
  const shownHost = host.includes(':') ? `[${host}]` : host
  return {
    url: `http://${shownHost}:${port}`,
    grpcEndpoint: `localhost:${port}`,
    ca: certificate.cert,
    control,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
