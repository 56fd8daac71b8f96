import {
  CreateKeyCommand,
  DecryptCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  ReEncryptCommand,
  RotateKeyOnDemandCommand,
  type KMSClient,
} from '@aws-sdk/client-kms'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  decryptBlob,
  createKeyMaterial,
  encryptBlob,
  readBlobHeader,
} from '#emulators/aws/kms/key-material.ts'
import { CUSTOMER, refusalOf, TwoAccounts } from './two-accounts.ts'

let world: TwoAccounts
let kms: KMSClient
const secret = Buffer.from('thirty-two bytes of a data key!!')
const context = { org: 'o-1', record: 'r-9' }

beforeAll(async () => {
  world = await TwoAccounts.start()
  kms = world.owner
})
afterAll(async () => world[Symbol.asyncDispose]())

async function encrypted(KeyId = world.keyArn): Promise<Uint8Array> {
  const reply = await kms.send(new EncryptCommand({ KeyId, Plaintext: secret, EncryptionContext: context }))
  return reply.CiphertextBlob ?? new Uint8Array()
}

describe('encrypting and decrypting', () => {
  it('gives the plaintext back under the same context, in any order, and names key and material', async () => {
    const reply = await kms.send(
      new DecryptCommand({
        CiphertextBlob: await encrypted(),
        EncryptionContext: { record: 'r-9', org: 'o-1' },
      }),
    )
    expect(Buffer.from(reply.Plaintext ?? [])).toEqual(secret)
    expect(reply.KeyId).toBe(world.keyArn)
    expect(reply.KeyMaterialId).toMatch(/^[0-9a-f]{64}$/)
    expect(reply.EncryptionAlgorithm).toBe('SYMMETRIC_DEFAULT')
    expect(reply.$metadata.requestId).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/)
  })

  it('never carries the plaintext in the blob, and never makes the same blob twice', async () => {
    const [first, second] = [Buffer.from(await encrypted()), Buffer.from(await encrypted())]
    expect(first.includes(secret.subarray(0, 8))).toBe(false)
    expect(first.equals(second)).toBe(false)
  })

  it.each([
    ['a missing field', { org: 'o-1' }],
    ['an added field', { ...context, more: 'x' }],
    ['another value', { ...context, org: 'o-2' }],
    ['another case', { ...context, org: 'O-1' }],
    ['a moved border between name and value', { orgo: '-1', record: 'r-9' }],
    ['two fields smuggled into one value', { org: `o-1${'\0'.repeat(4)}record${'\0'.repeat(4)}r-9` }],
    ['no context', undefined],
  ])('refuses %s as InvalidCiphertextException', async (_, given) => {
    const call = kms.send(
      new DecryptCommand({ CiphertextBlob: await encrypted(), ...(given && { EncryptionContext: given }) }),
    )
    expect(await refusalOf(call)).toMatchObject({ name: 'InvalidCiphertextException', status: 400 })
  })

  it('refuses a blob in which any single bit is flipped', () => {
    const material = createKeyMaterial(0)
    const pairs = [['org', 'o-1']] as const
    const blob = encryptBlob(material, '1234abcd', secret, pairs)
    for (let bit = 0; bit < blob.length * 8; bit++) {
      const flipped = Buffer.from(blob)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const header = readBlobHeader(flipped)
      const opened = header && decryptBlob(material, flipped, header, pairs)
      expect(opened, `bit ${bit}`).toBeUndefined()
    }
  })

  it('opens for exactly one context among any two', () => {
    const material = createKeyMaterial(0)
    const pairsOf = (given: Record<string, string>) => Object.entries(given)
    const sortedText = (given: Record<string, string>) =>
      JSON.stringify(pairsOf(given).toSorted(([one], [two]) => (one < two ? -1 : 1)))
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.string()),
        fc.dictionary(fc.string(), fc.string()),
        (a, b) => {
          const blob = encryptBlob(material, 'k', secret, pairsOf(a))
          const header = readBlobHeader(blob)
          if (header === undefined) throw new Error('unreadable header')
          const isSame = sortedText(a) === sortedText(b)
          const opened = decryptBlob(material, blob, header, pairsOf(b))
          expect(opened !== undefined).toBe(isSame)
          expect(decryptBlob(material, blob, header, pairsOf(a).toReversed())).toEqual(secret)
        },
      ),
    )
  })

  it('refuses a pinned KeyId that is not the one of the blob as IncorrectKeyException', async () => {
    const other = await kms.send(new CreateKeyCommand({}))
    const KeyId = other.KeyMetadata?.Arn ?? ''
    const call = kms.send(
      new DecryptCommand({ KeyId, CiphertextBlob: await encrypted(), EncryptionContext: context }),
    )
    expect(await refusalOf(call)).toMatchObject({ name: 'IncorrectKeyException', status: 400 })
  })

  it('answers alike for garbage, and vaguely for a blob of a key that does not exist', async () => {
    const garbage = kms.send(new DecryptCommand({ CiphertextBlob: Buffer.alloc(100, 7) }))
    expect((await refusalOf(garbage)).name).toBe('InvalidCiphertextException')
    const ghost = encryptBlob(createKeyMaterial(0), '00000000-0000-4000-8000-00000000dead', secret, [])
    const refusal = await refusalOf(kms.send(new DecryptCommand({ CiphertextBlob: ghost })))
    expect(refusal.name).toBe('AccessDeniedException')
    expect(refusal.message).toContain('the resource does not exist in this Region')
  })

  it.each([
    [
      'Encrypt beyond 4096 bytes',
      () => new EncryptCommand({ KeyId: world.keyArn, Plaintext: Buffer.alloc(4097) }),
    ],
    ['Encrypt of nothing', () => new EncryptCommand({ KeyId: world.keyArn, Plaintext: Buffer.alloc(0) })],
  ])('refuses %s as ValidationException', async (_, command) => {
    expect(await refusalOf(kms.send(command()))).toMatchObject({ name: 'ValidationException', status: 400 })
  })

  it('refuses Decrypt beyond 6144 bytes as ValidationException and takes Encrypt of exactly 4096', async () => {
    const call = kms.send(new DecryptCommand({ CiphertextBlob: Buffer.alloc(6145, 1) }))
    expect((await refusalOf(call)).message).toContain('less than or equal to 6144')
    const largest = await kms.send(new EncryptCommand({ KeyId: world.keyArn, Plaintext: Buffer.alloc(4096) }))
    expect(largest.CiphertextBlob?.length).toBeGreaterThan(4096)
  })
})

describe('data keys and re-encryption', () => {
  it('gives a data key in both forms, of the asked length', async () => {
    const reply = await kms.send(
      new GenerateDataKeyCommand({ KeyId: world.keyArn, KeySpec: 'AES_256', EncryptionContext: context }),
    )
    const opened = await kms.send(
      new DecryptCommand({ CiphertextBlob: reply.CiphertextBlob, EncryptionContext: context }),
    )
    expect(opened.Plaintext).toEqual(reply.Plaintext)
    expect(reply.Plaintext?.length).toBe(32)
    const sealed = await kms.send(
      new GenerateDataKeyWithoutPlaintextCommand({ KeyId: world.keyArn, NumberOfBytes: 17 }),
    )
    expect('Plaintext' in sealed).toBe(false)
    expect(
      (await kms.send(new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob }))).Plaintext?.length,
    ).toBe(17)
  })

  it('re-encrypts from one key and context to another', async () => {
    const other = (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? ''
    const moved = await kms.send(
      new ReEncryptCommand({
        CiphertextBlob: await encrypted(),
        SourceKeyId: world.keyArn,
        SourceEncryptionContext: context,
        DestinationKeyId: other,
        DestinationEncryptionContext: { org: 'o-2' },
      }),
    )
    expect([moved.SourceKeyId, moved.KeyId]).toEqual([world.keyArn, other])
    expect(moved.SourceKeyMaterialId).not.toBe(moved.DestinationKeyMaterialId)
    const opened = await kms.send(
      new DecryptCommand({
        KeyId: other,
        CiphertextBlob: moved.CiphertextBlob,
        EncryptionContext: { org: 'o-2' },
      }),
    )
    expect(Buffer.from(opened.Plaintext ?? [])).toEqual(secret)
  })

  it('rotates on demand: old blobs stay readable under the old material, new ones use the new', async () => {
    const KeyId = world.emulator.control.createKey({ accountId: CUSTOMER, region: 'eu-central-1' }).keyArn
    const old = await encrypted(KeyId)
    await kms.send(new RotateKeyOnDemandCommand({ KeyId }))
    const read = async (blob: Uint8Array) =>
      kms.send(new DecryptCommand({ KeyId, CiphertextBlob: blob, EncryptionContext: context }))
    const before = await read(old)
    const after = await read(await encrypted(KeyId))
    expect(Buffer.from(before.Plaintext ?? [])).toEqual(secret)
    expect(before.KeyMaterialId).not.toBe(after.KeyMaterialId)
  })
})
