import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { canonicalAad, contextFields } from '#envelope/aad.ts'
import type { EncryptionContext } from '#envelope/encryption-context.ts'
import { generateDek } from '#envelope/record-key.ts'
import type { SecretBytes } from '#envelope/secret-bytes.ts'
import { KekFault, type KekFaultKind } from '#kms/kek-fault.ts'
import type { KekProvider, WrappedDek } from '#kms/kek-provider.ts'
import { CONTEXT } from '../support/record-context.ts'

/** A KEK under test in its KMS, freshly made for each test. */
export interface KekHarness extends AsyncDisposable {
  /** The KEK under test; every call may make another instance of the same KEK. */
  makeProvider(): Promise<KekProvider>
  /** Another KEK of the same kind, to which nothing of the first belongs. */
  makeForeignProvider(): Promise<KekProvider>
  /** As the customer withdraws the KEK; in effect when the promise resolves. */
  revoke(): Promise<void>
  restore(): Promise<void>
  /** Further ways to fail that this KMS has, each with the kind that the provider must report. */
  faults?: readonly { name: string; kind: KekFaultKind; inject(): Promise<void> }[]
}

const OTHER_FIELDS: Partial<EncryptionContext>[] = [
  { org: '01980f3e-7a00-7000-8000-00000000000f' },
  { record: '01980f3e-7a00-7000-8000-00000000000f' },
  { purpose: 'canary' },
  { provider: 'anthropic' },
  { environment: 'staging' },
  { kek: '01980f3e-7a00-7000-8000-00000000000f' },
  { generation: 2 },
]

/**
 * What every `KekProvider` guarantees, whatever the cloud.
 *
 * @param start makes a fresh KEK for each test
 * @param faultNames the names of the harness's `faults`, which vitest must know before anything starts
 */
export function describeKekProvider(
  name: string,
  start: () => Promise<KekHarness>,
  faultNames: readonly string[] = [],
): void {
  describe(`the KEK provider ${name}`, () => {
    let harness: KekHarness
    let provider: KekProvider

    beforeEach(async () => {
      harness = await start()
      provider = await harness.makeProvider()
    })
    afterEach(() => harness[Symbol.asyncDispose]())

    it('unwraps what it wrapped, in this instance and in another', async () => {
      using dek = generateDek()
      const { wrappedDek } = await provider.wrap(dek, CONTEXT)
      for (const instance of [provider, await harness.makeProvider()]) {
        const result = await instance.unwrap(wrappedDek, CONTEXT)
        using unwrapped = result.dek
        expect(unwrapped.equals(dek)).toBe(true)
      }
    })

    it('leaves the canonical bytes and fields of a context as they are, which every later call has too', async () => {
      using dek = generateDek()
      const context = { ...CONTEXT }
      const { wrappedDek } = await provider.wrap(dek, context)
      const { dek: unwrapped } = await provider.unwrap(wrappedDek, context)
      unwrapped[Symbol.dispose]()
      const anew = { ...CONTEXT }
      expect(canonicalAad(context)).toEqual(canonicalAad(anew))
      expect(contextFields(context)).toEqual(contextFields(anew))
    })

    it('names the pinned KEK on what it wrapped, and never shows the DEK in it', async () => {
      using dek = generateDek()
      const { wrappedDek } = await provider.wrap(dek, CONTEXT)
      expect(wrappedDek.kekRef).toBe(provider.kekRef)
      expect(wrappedDek.bytes.includes(dek.unsafeBytes())).toBe(false)
    })

    it('names request, material and duration of every call', async () => {
      using dek = generateDek()
      const wrapped = await provider.wrap(dek, CONTEXT)
      const unwrapped = await provider.unwrap(wrapped.wrappedDek, CONTEXT)
      using _ = unwrapped.dek
      const described = await provider.describe()
      for (const call of [wrapped, unwrapped, described]) {
        expect(call.kmsRequestId).not.toBe('')
        expect(typeof call.materialId).toBe('string')
        expect(call.durationMs).toBeGreaterThanOrEqual(0)
        expect(call.durationMs).toBeLessThan(10_000)
      }
      // AWS names the material only when it unwraps.
      expect(wrapped.materialId === '' ? '' : unwrapped.materialId).toBe(wrapped.materialId)
      expect(unwrapped.kmsRequestId).not.toBe(wrapped.kmsRequestId)
    })

    it.each(OTHER_FIELDS.map((change) => [Object.keys(change).join(), change] as const))(
      'refuses as tampered when the context has another %s',
      async (_, change) => {
        using dek = generateDek()
        const { wrappedDek } = await provider.wrap(dek, CONTEXT)
        const fault = await faultOf(provider.unwrap(wrappedDek, { ...CONTEXT, ...change }))
        expect(fault.kind).toBe('tampered')
      },
    )

    it('refuses as tampered when a wrapped byte was changed', async () => {
      using dek = generateDek()
      const { wrappedDek } = await provider.wrap(dek, CONTEXT)
      const { length } = wrappedDek.bytes
      for (const at of [0, length >> 1, length - 1]) {
        const bytes = Buffer.from(wrappedDek.bytes)
        bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
        const fault = await faultOf(provider.unwrap({ ...wrappedDek, bytes }, CONTEXT))
        expect(fault.kind, `byte ${at}`).toBe('tampered')
      }
    })

    it('refuses as tampered when wrapped bytes are missing', async () => {
      using dek = generateDek()
      const { wrappedDek } = await provider.wrap(dek, CONTEXT)
      const bytes = wrappedDek.bytes.subarray(0, -1)
      expect((await faultOf(provider.unwrap({ ...wrappedDek, bytes }, CONTEXT))).kind).toBe('tampered')
    })

    it('refuses a DEK that another KEK wrapped, under its own name and under ours', async () => {
      using dek = generateDek()
      const { wrappedDek } = await (await harness.makeForeignProvider()).wrap(dek, CONTEXT)
      for (const foreign of [wrappedDek, { ...wrappedDek, kekRef: provider.kekRef }]) {
        const fault = await faultOf(provider.unwrap(foreign, CONTEXT))
        expect(['tampered', 'misconfigured']).toContain(fault.kind)
      }
    })

    it('refuses a good DEK of ours that is labelled with the name of another KEK', async () => {
      using dek = generateDek()
      const { wrappedDek } = await provider.wrap(dek, CONTEXT)
      const { kekRef } = await harness.makeForeignProvider()
      const fault = await faultOf(provider.unwrap({ ...wrappedDek, kekRef }, CONTEXT))
      expect(['tampered', 'misconfigured']).toContain(fault.kind)
    })

    it('refuses as revoked once the KEK is withdrawn, and serves again once it is back', async () => {
      using dek = generateDek()
      const { wrappedDek } = await provider.wrap(dek, CONTEXT)
      await harness.revoke()
      expect((await faultOf(provider.unwrap(wrappedDek, CONTEXT))).kind).toBe('revoked')
      expect((await faultOf(provider.wrap(dek, CONTEXT))).kind).toBe('revoked')
      await harness.restore()
      const { dek: unwrapped } = await provider.unwrap(wrappedDek, CONTEXT)
      using restored = unwrapped
      expect(restored.equals(dek)).toBe(true)
    })

    it('describes the KEK as enabled, and as not enabled while it is withdrawn', async () => {
      expect(await provider.describe()).toMatchObject({ kekRef: provider.kekRef, isEnabled: true })
      await harness.revoke()
      expect(await describesAsEnabled(provider)).toBe(false)
    })

    it('serves 50 unwraps at once, each with its own DEK and request id', async () => {
      const deks = Array.from({ length: 50 }, generateDek)
      const wrapped: WrappedDek[] = []
      for (const dek of deks) wrapped.push((await provider.wrap(dek, CONTEXT)).wrappedDek)
      const results = await Promise.all(wrapped.map((one) => provider.unwrap(one, CONTEXT)))
      expect(results.map(({ dek }, index) => deks[index]?.equals(dek))).toEqual(deks.map(() => true))
      expect(new Set(results.map(({ kmsRequestId }) => kmsRequestId)).size).toBe(50)
      for (const secret of [...deks, ...results.map(({ dek }) => dek)]) secret[Symbol.dispose]()
    })

    it('hands out DEKs that are zero once disposed of, and leaves the given one to its owner', async () => {
      using dek = generateDek()
      const before = Buffer.from(dek.unsafeBytes())
      const { wrappedDek } = await provider.wrap(dek, CONTEXT)
      expect(dek.unsafeBytes().equals(before)).toBe(true)
      const unwrapped = await provider.unwrap(wrappedDek, CONTEXT)
      const bytes = unwrapped.dek.unsafeBytes()
      expect(bytes).toHaveLength(32)
      unwrapped.dek[Symbol.dispose]()
      expect(bytes.every((byte) => byte === 0)).toBe(true)
    })

    it('carries no DEK, wrapped bytes or foreign error inside its faults', async () => {
      using dek = generateDek()
      const { wrappedDek } = await provider.wrap(dek, CONTEXT)
      const tampered = await faultOf(provider.unwrap(wrappedDek, { ...CONTEXT, generation: 9 }))
      await harness.revoke()
      for (const fault of [tampered, await faultOf(provider.unwrap(wrappedDek, CONTEXT))]) {
        expect(tracesIn(fault, dek, wrappedDek)).toEqual([])
      }
    })

    for (const faultName of faultNames) {
      it(`reports ${faultName} as its own kind`, async () => {
        using dek = generateDek()
        const { wrappedDek } = await provider.wrap(dek, CONTEXT)
        const injected = harness.faults?.find((fault) => fault.name === faultName)
        if (injected === undefined) throw new Error(`The harness has no fault named ${faultName}.`)
        await injected.inject()
        const fault = await faultOf(provider.unwrap(wrappedDek, CONTEXT))
        expect(fault.kind).toBe(injected.kind)
        expect(tracesIn(fault, dek, wrappedDek)).toEqual([])
      })
    }
  })
}

async function faultOf(call: Promise<unknown>): Promise<KekFault> {
  const outcome = await call.then(
    () => 'no fault at all',
    (error: unknown) => error,
  )
  if (outcome instanceof KekFault) return outcome
  throw new Error('A KekProvider may fail only with a KekFault, and here it had to.', { cause: outcome })
}

/** A cloud may answer that the KEK is off, or refuse to answer. */
async function describesAsEnabled(provider: KekProvider): Promise<boolean> {
  try {
    return (await provider.describe()).isEnabled
  } catch (error) {
    if (error instanceof KekFault && error.kind === 'revoked') return false
    throw error
  }
}

/** Where a fault shows the DEK or what was wrapped, or names the KEK to whoever reads its message. */
function tracesIn(fault: KekFault, dek: SecretBytes, wrapped: WrappedDek): string[] {
  const shown = `${inspect(fault, { depth: 9, showHidden: true })} ${JSON.stringify(fault)}`
  const encodings = ['hex', 'base64', 'base64url', 'latin1'] as const
  const traces: string[] = encodings.filter(
    (encoding) =>
      shown.includes(dek.unsafeBytes().toString(encoding)) ||
      shown.includes(wrapped.bytes.toString(encoding)),
  )
  if (fault.cause !== undefined) traces.push('cause')
  if (fault.message.includes(wrapped.kekRef)) traces.push('kekRef')
  return traces
}
