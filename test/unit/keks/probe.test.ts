import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createOrganisation } from '#access/create-organisation.ts'
import { newId } from '#db/ids.ts'
import { SecretRing } from '#integrity/secret-ring.ts'
import { sealCanary } from '#keks/canary.ts'
import type { Kek, KekAccess, KekProviderKind } from '#keks/kek.ts'
import { ProbeRunner } from '#keks/probe.ts'
import { findProbe } from '#keks/probe-repository.ts'
import { findKek, insertKek } from '#keks/repository.ts'
import { suspendKek } from '#keks/suspend.ts'
import { KekFault } from '#kms/kek-fault.ts'
import { createLocalKek } from '#kms/local-kek-file.ts'
import { LocalKekProvider } from '#kms/local-kek-provider.ts'
import { waitUntil } from '../../support/data-dir.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { localKek } from './local-kek.ts'

const ring = new SecretRing({ current: Buffer.alloc(32, 7), previous: undefined })
const accesses: Record<KekProviderKind, (id: string) => KekAccess> = {
  aws: (id) => ({ provider: 'aws', keyArn: id, roleArn: null, externalId: 'x' }),
  gcp: (id) => ({ provider: 'gcp', keyName: id, identityProvider: null, audience: 'a' }),
  azure: (id) => ({ provider: 'azure', keyId: id, tenantId: 't' }),
  local: (id) => ({ provider: 'local', fileId: id }),
}

let database: TestDatabase
let directory: string
let orgId: string
/** The clock of the probes. */
let nowMs: number
/** What the KMS of a KEK does before it answers. */
let behaviours: Map<string, () => Promise<void>>
let asked: string[]

beforeAll(async () => {
  database = await createTestDatabase()
  directory = await mkdtemp(join(tmpdir(), 'hasp-probe-'))
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})
beforeEach(async () => {
  const now = () => new Date()
  orgId = (await createOrganisation({ db: database.db, ring, now }, { name: newId(), actor: 'test' })).orgId
  await database.db.kysely.deleteFrom('kek_probes').execute()
  nowMs = Date.now()
  behaviours = new Map()
  asked = []
})

async function newKek(kind: KekProviderKind, probeIntervalMs: number): Promise<Kek> {
  const id = newId()
  await createLocalKek(directory, id)
  const bare: Kek = {
    ...localKek,
    id,
    orgId,
    name: id,
    kekRef: `key ${id}`,
    access: accesses[kind](id),
    probeIntervalMs,
    stateChangedAt: new Date(nowMs),
    createdAt: new Date(nowMs),
  }
  const { canary } = await sealCanary(bare, new LocalKekProvider(directory, id))
  const kek = { ...bare, canary }
  await insertKek(database.db.kysely, ring, kek)
  return kek
}

const gone: string[] = []
function newRunner(): ProbeRunner {
  return new ProbeRunner({
    db: database.db,
    ring,
    providers: {
      open: ({ id }) => {
        const local = new LocalKekProvider(directory, id)
        return {
          kekRef: local.kekRef,
          describe: () => local.describe(),
          wrap: (dek, context) => local.wrap(dek, context),
          async unwrap(wrapped, context) {
            asked.push(id)
            await behaviours.get(id)?.()
            return local.unwrap(wrapped, context)
          },
        }
      },
    },
    journal: { intend: async () => 'committed', completed: () => {}, refused: () => {} },
    now: () => new Date(nowMs),
    suspendedProbeIntervalMs: 15_000,
    onRevoked: (kekId) => void gone.push(kekId),
    onError: (error) => {
      throw error
    },
  })
}

const lastOutcome = async (kek: Kek) =>
  (await findProbe(database.db.kysely, orgId, kek.id))?.last_outcome ?? null
async function runDue(): Promise<void> {
  await using runner = newRunner()
  await runner.startDue()
}

describe.each(Object.keys(accesses) as KekProviderKind[])('the probe of a KEK in %s', (kind) => {
  it('unwraps the canary at its own interval, and not before', async () => {
    const kek = await newKek(kind, 30_000)
    await runDue()
    expect(asked).toEqual([kek.id])
    nowMs += 29_999
    await runDue()
    expect(asked).toEqual([kek.id])
    nowMs += 1
    await runDue()
    expect(asked).toEqual([kek.id, kek.id])
  })

  it('suspends the KEK that nobody uses when its KMS refuses, and resumes it 15 s after it is served again', async () => {
    const kek = await newKek(kind, 30_000)
    behaviours.set(kek.id, async () => {
      throw new KekFault('revoked', 'Disabled', 'as the test wants it')
    })
    await runDue()
    expect(gone).toContain(kek.id)
    expect(await findKek(database.db.kysely, ring, orgId, kek.id)).toMatchObject({
      state: 'suspended',
      stateReason: 'Disabled',
    })
    behaviours.delete(kek.id)
    nowMs += 15_000
    await runDue()
    expect((await findKek(database.db.kysely, ring, orgId, kek.id)).state).toBe('active')
    expect(await lastOutcome(kek)).toBe('resumed')
  })

  it('asks nothing when it is turned off', async () => {
    const kek = await newKek(kind, 0)
    await runDue()
    nowMs += 86_400_000
    await runDue()
    expect(asked).toEqual([])
    expect(await lastOutcome(kek)).toBe('skipped')
  })
})

describe('a KEK that a call finds revoked while its probe is under way', () => {
  it('is probed again at once, and not at the interval of an active one', async () => {
    const kek = await newKek('local', 3_600_000)
    const { promise: isSuspended, resolve: answer } = Promise.withResolvers<void>()
    behaviours.set(kek.id, () => isSuspended)
    await using runner = newRunner()
    await runner.startDue()
    await waitUntil(async () => asked.length === 1)
    const fault = new KekFault('revoked', 'Disabled', 'as the test wants it')
    await suspendKek({ db: database.db, ring, now: () => new Date(nowMs) }, kek, fault, 'proxy')
    answer()
    await waitUntil(async () => (await lastOutcome(kek)) === 'working')
    behaviours.delete(kek.id)
    await runDue()
    expect((await findKek(database.db.kysely, ring, orgId, kek.id)).state).toBe('active')
  })
})

describe('a KMS that does not answer', () => {
  it('keeps no other KEK’s probe from its time, nor one beyond the first that are claimed', async () => {
    const silent = await Promise.all(Array.from({ length: 20 }, () => newKek('local', 1_000)))
    const { promise: isOver, resolve: end } = Promise.withResolvers<void>()
    for (const kek of silent) behaviours.set(kek.id, () => isOver)
    await using runner = newRunner()
    expect(await runner.startDue()).toBe(20)
    const other = await newKek('local', 1_000)
    expect(await runner.startDue()).toBe(1)
    await waitUntil(async () => (await lastOutcome(other)) === 'working')
    end()
  })
})
