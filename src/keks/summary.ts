import type { Kek, KekAccess } from './kek.ts'

/** A KEK as its organisation sees it. */
export type KekSummary = Readonly<{
  id: string
  name: string
  provider: KekAccess['provider']
  kekRef: string
  access: KekAccess
  unwrapMode: Kek['unwrapMode']
  cacheCeilingMs: number
  cacheUsesMax: number
  streamRule: Kek['streamRule']
  probeIntervalMs: number
  protectionRule: Kek['protectionRule']
  protection: Kek['protection']
  wrapAgeDaysMax: number | null
  dekAgeDaysMax: number | null
  credentialAgeDaysMax: number | null
  wrapsMax: number | null
  state: Kek['state']
  stateReason: string | null
  stateChangedAt: string
  createdAt: string
}>

export function summarizeKek(kek: Kek): KekSummary {
  return {
    id: kek.id,
    name: kek.name,
    provider: kek.access.provider,
    kekRef: kek.kekRef,
    access: kek.access,
    unwrapMode: kek.unwrapMode,
    cacheCeilingMs: kek.cacheCeilingMs,
    cacheUsesMax: kek.cacheUsesMax,
    streamRule: kek.streamRule,
    probeIntervalMs: kek.probeIntervalMs,
    protectionRule: kek.protectionRule,
    protection: kek.protection,
    wrapAgeDaysMax: kek.wrapAgeDaysMax,
    dekAgeDaysMax: kek.dekAgeDaysMax,
    credentialAgeDaysMax: kek.credentialAgeDaysMax,
    wrapsMax: kek.wrapsMax,
    state: kek.state,
    stateReason: kek.stateReason,
    stateChangedAt: kek.stateChangedAt.toISOString(),
    createdAt: kek.createdAt.toISOString(),
  }
}
