import type { Kek } from '#keks/kek.ts'

const ID = '01980f3e-7a00-7000-8000-00000000000'

/** An active KEK without a canary, in the file `kek` of whatever directory a test makes. */
export const localKek: Kek = {
  id: `${ID}3`,
  orgId: `${ID}1`,
  name: 'main',
  kekRef: 'local:kek',
  access: { provider: 'local', fileId: 'kek' },
  unwrapMode: 'strict',
  cacheCeilingMs: 0,
  cacheUsesMax: 1,
  streamRule: 'cut',
  probeIntervalMs: 0,
  protectionRule: 'any',
  protection: null,
  wrapAgeDaysMax: null,
  dekAgeDaysMax: null,
  credentialAgeDaysMax: null,
  wrapsMax: null,
  state: 'active',
  stateReason: null,
  stateChangedAt: new Date(0),
  canary: null,
  createdAt: new Date(0),
}
