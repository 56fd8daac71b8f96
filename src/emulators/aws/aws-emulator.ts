import { AwsEmulatorControl } from './control/control.ts'
import { serveControl } from './control/control-api.ts'
import type { Seed } from './control/inputs.ts'
import { plantSeed } from './control/seed.ts'
import { Faults } from '#emulators/common/faults.ts'
import { closeAtOnce } from '#emulators/common/listen.ts'
import type { FaultEffect } from './fault-effect.ts'
import { Identities } from './iam/identities.ts'
import { serveKms } from './kms/kms-endpoint.ts'
import { KeyStore } from './kms/key-store.ts'
import type { KmsSettings } from './kms/operation.ts'
import { ServiceClock } from '#emulators/common/service-clock.ts'
import { serveSts } from './sts/sts-endpoint.ts'
import { CloudTrail, type AuditLogOptions } from './trail/cloud-trail.ts'
import { deliverDeleteKeyEvent } from './trail/kms-event.ts'
import { listenHttp } from './wire/http-server.ts'
import { SignatureVerifier } from './wire/signature-v4.ts'

export type AwsEmulatorOptions = Readonly<{
  /** 0, the default, takes a free port. */
  port?: number | undefined
  /** `127.0.0.1` unless told otherwise: whoever reaches the port may also use the control API. */
  host?: string | undefined
  /** Where `createKey` of the control surface puts keys; requests may be signed for any region. */
  region?: string | undefined
  /** Milliseconds since the epoch; the machine's clock by default. */
  clock?: (() => number) | undefined
  /** How long changes of state and policy take to bite. */
  effectDelayMs?: number | undefined
  pendingDeletionError?: KmsSettings['pendingDeletionError'] | undefined
  auditLog?: AuditLogOptions | undefined
  seed?: Seed | undefined
}>

/** A running emulator: what {@link AwsEmulatorControl} offers, over the same memory that the wire sees. */
export type AwsEmulator = AsyncDisposable &
  Readonly<{
    /** The endpoint of both services, `http://127.0.0.1:<port>`. */
    url: string
    control: AwsEmulatorControl
    stop: () => Promise<void>
  }>

/**
 * Starts AWS KMS and STS on this machine: the real wire protocols, signatures, cryptography, policies and
 * CloudTrail records (docs/emulators.md says what is modelled, and what not).
 *
 * @throws {Error} when the port is taken, the NDJSON file cannot be opened or the seed is at fault
 */
export async function startAwsEmulator(options: AwsEmulatorOptions = {}): Promise<AwsEmulator> {
  const clock = new ServiceClock(options.clock)
  await using starting = new AsyncDisposableStack()
  const trail = starting.use(await CloudTrail.open(options.auditLog ?? {}))
  const identities = new Identities()
  const faults = new Faults<FaultEffect>()
  const settings: KmsSettings = {
    effectDelayMs: options.effectDelayMs ?? 0,
    pendingDeletionError: options.pendingDeletionError ?? 'alternate',
  }
  const keys = new KeyStore(clock, (kmsKey) => deliverDeleteKeyEvent(trail, kmsKey, clock.nowMs()))
  const control = new AwsEmulatorControl({
    identities,
    keys,
    clock,
    settings,
    faults,
    trail,
    region: options.region ?? 'us-east-1',
  })
  if (options.seed !== undefined) plantSeed(control, options.seed)
  const signatures = new SignatureVerifier({
    findCredential: (accessKeyId) => identities.credential(accessKeyId),
    serviceNowMs: () => clock.nowMs(),
    signatureNowMs: () => Date.now() + control.signatureSkewMs,
  })
  const kms = { kms: { keys, identities, clock, settings }, faults, trail, signatures }
  const sts = { sts: { identities, clock }, faults, trail, signatures }
  const { server, url } = await listenHttp(
    {
      kms: (request, requestId) => serveKms(kms, request, requestId),
      sts: (request, requestId) => serveSts(sts, request, requestId),
      signatureSkewMs: () => control.signatureSkewMs,
      control: (path, request) => serveControl(control, path, request),
    },
    options.host ?? '127.0.0.1',
    options.port ?? 0,
  )
  starting.defer(async () => closeAtOnce(server))
  const running = starting.move()
  const stop = async (): Promise<void> => running.disposeAsync()
  return { url, control, stop, [Symbol.asyncDispose]: stop }
}
