import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createOrganisation } from '#access/create-organisation.ts'
import { newId } from '#db/ids.ts'
import { deriveRecordKey } from '#envelope/record-key.ts'
import { decodeEnvelope } from '#envelope/format-v1.ts'
import { openSecret } from '#envelope/open.ts'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import { SecretRing } from '#integrity/secret-ring.ts'
import type { LifecycleJobDeps, RunDeps } from '#jobs/deps.ts'
import type { LifecycleJob } from '#jobs/lifecycle-job.ts'
import { runJob, type RunOutcome } from '#jobs/run.ts'
import { startLifecycleJob } from '#jobs/start.ts'
import { sealCanary } from '#keks/canary.ts'
import type { Kek } from '#keks/kek.ts'
import { insertKek } from '#keks/repository.ts'
import type { KekFault } from '#kms/kek-fault.ts'
import type { KekProvider } from '#kms/kek-provider.ts'
import { createLocalKek } from '#kms/local-kek-file.ts'
import { LocalKekProvider } from '#kms/local-kek-provider.ts'
import type { UnwrapIntent } from '#ledger/unwrap-intent.ts'
import { findCredentials, insertCredential } from '#targets/credential-repository.ts'
import { findTarget, insertTarget } from '#targets/repository.ts'
import { credentialContext, sealCredential } from '#targets/seal-credential.ts'
import type { Target } from '#targets/target.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { localKek } from '../keks/local-kek.ts'

type Call = 'wrap' | 'unwrap'

/** An organisation with KEKs in files, on a real database, and what its KMSs are told to do. */
export type Scene = AsyncDisposable &
  Readonly<{
    database: TestDatabase
    ring: SecretRing
    orgId: string
    deps: LifecycleJobDeps
    run: RunDeps
    /** Every unwrap that was announced, and every call that reached a KMS. */
    intents: UnwrapIntent[]
    calls: { call: Call; kekId: string; record: string; purpose: string }[]
    revoked: string[]
    /** Asked before each call of a KMS: a fault is thrown, and whatever else takes time is waited for. */
    before: {
      call?: (call: Call, kekId: string, record: string) => KekFault | undefined | Promise<undefined>
    }
    newKek: (orgId?: string) => Promise<Kek>
    /** @returns ids of `count` targets with `versions` versions each. */
    newTargets: (kek: Kek, count: number, versions?: number) => Promise<string[]>
    start: (job: Partial<Parameters<typeof startLifecycleJob>[1]>) => Promise<LifecycleJob>
    go: (job: LifecycleJob, signal?: AbortSignal) => Promise<RunOutcome>
    /** What every version of a target opens to, and under which KEK. */
    open: (targetId: string) => Promise<{ kekId: string; generation: number; secret: string }[]>
    entries: (kind: string) => Promise<Record<string, unknown>[]>
    newOrganisation: () => Promise<string>
  }>

export async function createScene(): Promise<Scene> {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await createTestDatabase())
  const directory = await mkdtemp(join(tmpdir(), 'hasp-jobs-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const ring = new SecretRing({ current: Buffer.alloc(32, 7), previous: undefined })
  const { db } = database
  const now = () => new Date()
  let organisations = 0
  const newOrganisation = async () => {
    organisations += 1
    const made = { name: `organisation ${organisations}`, actor: 'operator' }
    return (await createOrganisation({ db, ring, now }, made)).orgId
  }
  const orgId = await newOrganisation()
  const keks = new Map<string, Kek>()
  const intents: UnwrapIntent[] = []
  const calls: Scene['calls'] = []
  const revoked: string[] = []
  const before: Scene['before'] = {}

  const providerOf = (kek: Kek): KekProvider => {
    const local = new LocalKekProvider(directory, kek.id)
    const ask = async (call: Call, record: string, purpose: string) => {
      const fault = await before.call?.(call, kek.id, record)
      if (fault !== undefined) throw fault
      calls.push({ call, kekId: kek.id, record, purpose })
    }
    return {
      kekRef: local.kekRef,
      describe: () => local.describe(),
      async wrap(dek, context) {
        await ask('wrap', context.record, context.purpose)
        return local.wrap(dek, context)
      },
      async unwrap(wrapped, context) {
        await ask('unwrap', context.record, context.purpose)
        return local.unwrap(wrapped, context)
      },
    }
  }
  const deps: LifecycleJobDeps = { db, ring, now, enqueue: async () => {} }
  const run: RunDeps = {
    db,
    ring,
    now,
    kekProviders: { open: (kek) => providerOf(known(keks, kek.id)) },
    journal: {
      intend: async (intent) => {
        intents.push(intent)
        return 'committed'
      },
      completed: () => {},
      refused: () => {},
    },
    onRevoked: async (kek) => void revoked.push(kek.id),
    onTampered: () => {},
    runBy: 'test',
  }
  const newKek = async (ofOrgId = orgId) => {
    const id = newId()
    await createLocalKek(directory, id)
    const bare: Kek = {
      ...localKek,
      id,
      orgId: ofOrgId,
      name: `kek ${keks.size + 1}`,
      kekRef: `local:${id}`,
      access: { provider: 'local', fileId: id },
      protection: 'file',
      stateChangedAt: now(),
      createdAt: now(),
    }
    const { canary } = await sealCanary(bare, new LocalKekProvider(directory, id))
    const kek = { ...bare, canary }
    keks.set(id, kek)
    await insertKek(db.kysely, ring, kek)
    return kek
  }
  const newTargets = async (kek: Kek, count: number, versions = 1) => {
    const ids: string[] = []
    for (let i = 0; i < count; i += 1) {
      const id = newId()
      const target: Target = {
        id,
        orgId: kek.orgId,
        name: id,
        provider: 'openai',
        environment: 'production',
        baseUrl: 'https://api.openai.com',
        models: [],
        kekId: kek.id,
        generation: versions,
        createdAt: now(),
        updatedAt: now(),
      }
      await insertTarget(db.kysely, ring, target)
      for (let generation = 1; generation <= versions; generation += 1) {
        using credential = SecretBytes.take(Buffer.from(secretOf(id, generation)))
        const of = { ...target, generation }
        const sealed = await sealCredential({ kek: providerOf(kek), target: of, credential, now: now() })
        await insertCredential(db.kysely, ring, sealed.credential)
      }
      ids.push(id)
    }
    return ids
  }
  const owned = stack.move()
  return {
    database,
    ring,
    orgId,
    deps,
    run,
    intents,
    calls,
    revoked,
    before,
    newKek,
    newTargets,
    newOrganisation,
    async start(job) {
      const asked = { orgId, actor: 'operator', kind: 'move', recordsPerSecondMax: 1000, ...job } as const
      const started = await startLifecycleJob(deps, asked)
      calls.length = 0
      return started.job
    },
    go: (job, signal = new AbortController().signal) =>
      runJob(run, { orgId: job.orgId, jobId: job.id }, signal),
    open: async (targetId) => {
      const target = await findTarget(db.kysely, ring, orgId, targetId)
      const versions = await findCredentials(db.kysely, ring, orgId, [targetId], () => {
        throw new Error('A version is not genuine.')
      })
      return Promise.all(
        versions.map(async (version) => {
          const envelope = decodeEnvelope(version.sealed)
          const context = credentialContext(target, version)
          const local = new LocalKekProvider(directory, version.kekId)
          using dek = (await local.unwrap(envelope.wrapped, context)).dek
          using secret = openSecret(deriveRecordKey({ dek, envelope, context }), envelope, context)
          return {
            kekId: version.kekId,
            generation: version.generation,
            secret: secret.unsafeBytes().toString(),
          }
        }),
      )
    },
    entries: async (kind) => {
      const { rows } = await db.pool.query<{ body: string }>(
        'SELECT body FROM ledger_entries WHERE kind = $1 ORDER BY position',
        [kind],
      )
      return rows.map(({ body }) => JSON.parse(body))
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** The credential of one version, each its own. */
export function secretOf(targetId: string, generation: number): string {
  return `sk-${targetId}-${generation}`
}

function known(keks: ReadonlyMap<string, Kek>, kekId: string): Kek {
  const kek = keks.get(kekId)
  if (kek === undefined) throw new Error('There is no such KEK.')
  return kek
}
