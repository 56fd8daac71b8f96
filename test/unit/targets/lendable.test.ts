import { describe, expect, it } from 'vitest'
import { newId } from '#db/ids.ts'
import { canonicalAad } from '#envelope/aad.ts'
import { generateDek } from '#envelope/record-key.ts'
import { sealSecret } from '#envelope/seal.ts'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import type { Kek } from '#keks/kek.ts'
import { lendableTarget } from '#targets/lendable.ts'
import { credentialContext } from '#targets/seal-credential.ts'
import type { Credential, Target } from '#targets/target.ts'

const target = {
  id: newId(),
  orgId: newId(),
  provider: 'openai',
  environment: 'production',
  baseUrl: 'https://llm.example.com/prefix',
  generation: 3,
} as Target
const kek = {
  id: newId(),
  orgId: target.orgId,
  kekRef: 'local:main',
  access: { provider: 'local', fileId: 'main' },
} as Kek
const sealUnder = (generation: number, kekRef: string) => {
  using dek = generateDek()
  using plaintext = SecretBytes.take(Buffer.from('sk-0123456789'))
  const wrapped = { algorithm: 'local-aes-256-gcm', kekRef, materialId: '', bytes: Buffer.alloc(61) } as const
  return sealSecret({
    plaintext,
    dek,
    wrapped,
    context: credentialContext(target, { kekId: kek.id, generation }),
  })
}
const credential: Credential = {
  targetId: target.id,
  orgId: target.orgId,
  generation: 3,
  kekId: kek.id,
  preview: '••••',
  sealed: sealUnder(3, 'local:main'),
  createdAt: new Date(),
  wrappedAt: new Date(),
  dekCreatedAt: new Date(),
}

describe('joining the rows of a credential', () => {
  it('makes everything ready that does not depend on the request', () => {
    const lendable = lendableTarget(target, credential, kek)
    expect(lendable).toMatchObject({ origin: 'https://llm.example.com', pathPrefix: '/prefix', target, kek })
    expect(lendable.aad).toEqual(canonicalAad(credentialContext(target, credential)))
    expect(lendable.credentialBytesMax).toBeGreaterThanOrEqual(13)
    expect(lendable.record).toMatchObject({
      recordId: target.id,
      generation: 3,
      context: { org: target.orgId, kek: kek.id, generation: 3 },
    })
    expect(lendableTarget({ ...target, baseUrl: 'https://api.openai.com' }, credential, kek).pathPrefix).toBe(
      '',
    )
  })

  it.each<[string, Partial<Target>, Partial<Credential>, Partial<Kek>]>([
    ['the credential is of another target', {}, { targetId: newId() }, {}],
    ['the credential is of another organisation', {}, { orgId: newId() }, {}],
    ['the KEK is of another organisation', {}, {}, { orgId: newId() }],
    ['the target is of another organisation', { orgId: newId() }, {}, {}],
    ['the credential names another KEK', {}, { kekId: newId() }, {}],
    ['the KEK is at another place', {}, {}, { kekRef: 'local:other' }],
    [
      'the KEK is in another kind of KMS',
      {},
      {},
      { access: { provider: 'aws', keyArn: 'x', roleArn: null, externalId: 'x' } },
    ],
    ['the target uses another generation', { generation: 4 }, {}, {}],
    ['the credential row is of another generation', {}, { generation: 2 }, {}],
    ['both rows are of another generation than the envelope', { generation: 2 }, { generation: 2 }, {}],
    ['the envelope is of another generation', {}, { sealed: sealUnder(2, 'local:main') }, {}],
    ['the envelope names another KEK', {}, { sealed: sealUnder(3, 'local:other') }, {}],
    ['the envelope is none', {}, { sealed: Buffer.from('HASP') }, {}],
  ])('refuses them when %s', (_, ofTarget, ofCredential, ofKek) => {
    expect(() =>
      lendableTarget({ ...target, ...ofTarget }, { ...credential, ...ofCredential }, { ...kek, ...ofKek }),
    ).toThrow(/The rows of this target|names another KEK|another generation|envelope/)
  })
})
