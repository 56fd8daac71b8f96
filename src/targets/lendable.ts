import { canonicalAad } from '#envelope/aad.ts'
import { decodeEnvelope } from '#envelope/format-v1.ts'
import { plaintextBytesMax } from '#envelope/open.ts'
import type { Kek } from '#keks/kek.ts'
import type { SealedRecord } from '#keks/unwrap-record.ts'
import { credentialContext } from './seal-credential.ts'
import type { Credential, Target } from './target.ts'

/** A target as the proxy needs it: everything that does not depend on the request is done once. */
export type LendableTarget = Readonly<{
  target: Target
  kek: Kek
  record: SealedRecord
  /** Canonical AAD of the record, for the GCM of each request. */
  aad: Buffer
  /** Upper bound of the credential's length in bytes, known without opening it. */
  credentialBytesMax: number
  /** Origin and path prefix of the base URL. */
  origin: string
  pathPrefix: string
}>

/**
 * Joins the rows of one credential, checking that each says the same: the envelope's KEK and generation must be
 * those of the rows, which their macs already prove to be ours.
 * @throws {EnvelopeError}, {Error} where the rows contradict one another.
 */
export function lendableTarget(target: Target, credential: Credential, kek: Kek): LendableTarget {
  const envelope = decodeEnvelope(credential.sealed)
  if (credential.targetId !== target.id || credential.orgId !== target.orgId || kek.orgId !== target.orgId) {
    throw new Error('The rows of this target belong to different records.')
  }
  if (
    credential.kekId !== kek.id ||
    envelope.wrapped.kekRef !== kek.kekRef ||
    envelope.kekProvider !== kek.access.provider
  ) {
    throw new Error('The credential names another KEK than its row.')
  }
  if (credential.generation !== target.generation || envelope.generation !== target.generation) {
    throw new Error('The credential is of another generation than the target.')
  }
  const context = credentialContext(target, credential)
  const url = new URL(target.baseUrl)
  return {
    target,
    kek,
    record: { kek, recordId: target.id, generation: target.generation, envelope, context },
    aad: canonicalAad(context),
    credentialBytesMax: plaintextBytesMax(envelope),
    origin: url.origin,
    pathPrefix: url.pathname === '/' ? '' : url.pathname,
  }
}
