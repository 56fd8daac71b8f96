import { randomBytes } from 'node:crypto'
import { envelopeFields } from './envelope-fields.ts'
import {
  referenceAad,
  referenceDerive,
  referenceHeader,
  referencePad,
  referenceSealPadded,
  type ReferenceContext,
  type ReferenceParts,
} from './reference.ts'
import { makeSalamander } from './salamander.ts'

const CONTEXT: ReferenceContext = {
  org: '01980f3e-7a00-7000-8000-000000000001',
  record: '01980f3e-7a00-7000-8000-000000000002',
  purpose: 'credential',
  provider: 'openai',
  environment: 'production',
  kek: '01980f3e-7a00-7000-8000-000000000003',
  generation: 1,
}
const AWS_KEK = {
  kekProvider: 0x01,
  wrapAlgorithm: 0x01,
  kekRef: 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  materialId: '0b7fd7ddbac6eef27907413567cad8c810e2883dc8a7534067a82ee1142fc1e6',
}
const LOCAL_KEK = { kekProvider: 0x70, wrapAlgorithm: 0x70, kekRef: 'local:demo', materialId: '9f86d081884c7d65' }

/** Not a credential of anybody: made up, in the shape of one. */
const CREDENTIAL = 'sk-proj-vector-not-a-real-credential-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ'

type Case = { context: ReferenceContext; kek: Omit<ReferenceParts, 'messageId' | 'wrappedDek' | 'nonce'>; plaintext: Buffer }

const GOOD_CASES: Record<string, Case> = {
  'a credential under an AWS KEK': { context: CONTEXT, kek: AWS_KEK, plaintext: Buffer.from(CREDENTIAL) },
  'a credential under a local KEK': { context: CONTEXT, kek: LOCAL_KEK, plaintext: Buffer.from(CREDENTIAL) },
  'a canary': {
    context: { ...CONTEXT, purpose: 'canary', provider: 'none', environment: 'none', record: CONTEXT.kek },
    kek: AWS_KEK,
    plaintext: Buffer.from('canary'),
  },
  'one byte': { context: CONTEXT, kek: LOCAL_KEK, plaintext: Buffer.from('x') },
  'padding of no bytes': { context: CONTEXT, kek: LOCAL_KEK, plaintext: Buffer.alloc(60, 'p') },
  'padding of 63 bytes': { context: CONTEXT, kek: LOCAL_KEK, plaintext: Buffer.alloc(61, 'p') },
  'a secret that is not text': { context: CONTEXT, kek: LOCAL_KEK, plaintext: Buffer.from([0, 255, 0, 128, 10, 13, 0]) },
  'an environment outside ASCII': {
    context: { ...CONTEXT, environment: 'prüfung-東京-🔒' },
    kek: LOCAL_KEK,
    plaintext: Buffer.from(CREDENTIAL),
  },
  'no material id and the highest generation': {
    context: { ...CONTEXT, generation: Number.MAX_SAFE_INTEGER },
    kek: { ...LOCAL_KEK, materialId: '' },
    plaintext: Buffer.from(CREDENTIAL),
  },
}

export function goodVectors() {
  return Object.entries(GOOD_CASES).map(([name, { context, kek, plaintext }]) => {
    const dek = randomBytes(32)
    const parts = sealParts(kek)
    const aad = referenceAad(context)
    const { info, recordKey, commitment } = referenceDerive(dek, parts.messageId, aad)
    const envelope = referenceSealPadded({ padded: referencePad(plaintext), dek, parts, context })
    return {
      name,
      context,
      dek: dek.toString('hex'),
      plaintext: plaintext.toString('hex'),
      aad: aad.toString('hex'),
      info: info.toString('hex'),
      recordKey: recordKey.toString('hex'),
      commitment: commitment.toString('hex'),
      envelope: envelope.toString('hex'),
    }
  })
}

/** Which rule refuses a change of each field; the order of the rules is docs/envelope-format.md, "Opening". */
const CODE_BY_FIELD: Record<string, string> = {
  magic: 'malformed',
  format: 'unsupported',
  suite: 'unsupported',
  kekProvider: 'unsupported',
  kekRefLength: 'malformed',
  kekRef: 'not_authentic',
  materialIdLength: 'malformed',
  materialId: 'not_authentic',
  generation: 'context_mismatch',
  messageId: 'commitment_mismatch',
  wrapAlgorithm: 'unsupported',
  wrappedDekLength: 'malformed',
  wrappedDek: 'not_authentic',
  commitment: 'commitment_mismatch',
  nonce: 'not_authentic',
  ciphertextLength: 'malformed',
  ciphertext: 'not_authentic',
  tag: 'not_authentic',
}

export function refusedVectors(good: ReturnType<typeof goodVectors>) {
  const [base] = good
  if (base === undefined) throw new Error('There is no good vector to tamper with.')
  const { context } = base
  const envelope = Buffer.from(base.envelope, 'hex')
  const dek = Buffer.from(base.dek, 'hex')
  const refused = (name: string, code: string, change: { envelope?: Buffer; dek?: Buffer; context?: ReferenceContext }) => ({
    name,
    code,
    context: change.context ?? context,
    dek: (change.dek ?? dek).toString('hex'),
    envelope: (change.envelope ?? envelope).toString('hex'),
  })
  const sealed = (padded: Buffer) =>
    referenceSealPadded({ padded, dek, parts: sealParts(AWS_KEK), context })
  return [
    ...envelopeFields(envelope).map(({ name, start, length }) => {
      const tampered = Buffer.from(envelope)
      const last = start + length - 1
      tampered[last] = (tampered[last] ?? 0) ^ 0x02
      return refused(`${name} changed`, CODE_BY_FIELD[name] ?? '', { envelope: tampered })
    }),
    ...Object.entries(OTHER_CONTEXTS).map(([field, other]) =>
      refused(`opened for another ${field}`, field === 'generation' ? 'context_mismatch' : 'commitment_mismatch', {
        context: { ...context, ...other },
      }),
    ),
    refused('opened with another DEK', 'commitment_mismatch', { dek: randomBytes(32) }),
    refused('a byte follows', 'malformed', { envelope: Buffer.concat([envelope, Buffer.of(0)]) }),
    refused('the last byte is missing', 'malformed', { envelope: envelope.subarray(0, -1) }),
    refused('nothing at all', 'malformed', { envelope: Buffer.alloc(0) }),
    refused('padding that is not zero', 'malformed', { envelope: sealed(padding(60 - 4, 4, 1)) }),
    refused('more padding than needed', 'malformed', { envelope: sealed(padding(50, 64 + 10, 0)) }),
    refused('a length beyond the end', 'malformed', { envelope: sealed(withLength(61)) }),
    refused('a length of zero', 'malformed', { envelope: sealed(withLength(0)) }),
  ]
}

const OTHER_CONTEXTS: Record<keyof ReferenceContext, Partial<ReferenceContext>> = {
  org: { org: '01980f3e-7a00-7000-8000-00000000000f' },
  record: { record: '01980f3e-7a00-7000-8000-00000000000f' },
  purpose: { purpose: 'canary' },
  provider: { provider: 'anthropic' },
  environment: { environment: 'staging' },
  kek: { kek: '01980f3e-7a00-7000-8000-00000000000f' },
  generation: { generation: 2 },
}

/**
 * An envelope that AES-GCM alone accepts under two DEKs. Its header carries the commitment of the first, and the
 * free block lies inside the plaintext, so that the first opens it as a canonical record.
 */
export function salamanderVector() {
  const context = CONTEXT
  const parts = sealParts(LOCAL_KEK)
  const deks = [randomBytes(32), randomBytes(32)] as const
  const aad = referenceAad(context)
  const [first, second] = deks.map((dek) => referenceDerive(dek, parts.messageId, aad))
  if (first === undefined || second === undefined) throw new Error('Two DEKs derive two keys.')
  const header = referenceHeader(parts, context.generation, first.commitment)
  const sealed = referenceSealPadded({ padded: referencePad(Buffer.from(CREDENTIAL)), dek: deks[0], parts, context })
  const ciphertext = sealed.subarray(header.length + 12 + 4, -16)
  const salamander = makeSalamander({
    keys: [first.recordKey, second.recordKey],
    nonce: parts.nonce,
    aad: Buffer.concat([header, aad]),
    ciphertext,
    freeBlock: 2,
  })
  const envelope = Buffer.concat([sealed.subarray(0, header.length + 16), salamander.ciphertext, salamander.tag])
  return {
    context,
    acceptedDek: deks[0].toString('hex'),
    refusedDek: deks[1].toString('hex'),
    envelope: envelope.toString('hex'),
  }
}

function sealParts(kek: Case['kek']): ReferenceParts {
  return { ...kek, messageId: randomBytes(32), wrappedDek: randomBytes(61), nonce: randomBytes(12) }
}

function padding(length: number, zeros: number, lastByte: number): Buffer {
  const padded = Buffer.alloc(4 + length + zeros, 'p')
  padded.writeUInt32BE(length)
  padded.fill(0, 4 + length)
  padded[padded.length - 1] = lastByte
  return padded
}

function withLength(length: number): Buffer {
  const padded = Buffer.alloc(64)
  padded.writeUInt32BE(length)
  return padded
}
