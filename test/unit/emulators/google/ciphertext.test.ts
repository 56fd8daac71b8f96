import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { crc32c } from '#emulators/google/wire/crc32c.ts'
import { startOneProject } from './one-project.ts'

const secret = Buffer.from('a secret of 24 bytes....')
const aad = Buffer.from('context')

describe('encrypting and decrypting', () => {
  let project: Awaited<ReturnType<typeof startOneProject>>
  beforeAll(async () => {
    project = await startOneProject()
  })
  afterAll(() => project[Symbol.asyncDispose]())

  const request = () => ({
    plaintext: secret.toString('base64'),
    additionalAuthenticatedData: aad.toString('base64'),
  })
  const encrypted = async () =>
    Buffer.from(
      (await project.owner('POST', `${project.keyName}:encrypt`, request())).body.ciphertext,
      'base64',
    )
  const decrypt = (ciphertext: Buffer, more: object = {}, keyName = project.keyName) =>
    project.owner('POST', `${keyName}:decrypt`, {
      ciphertext: ciphertext.toString('base64'),
      additionalAuthenticatedData: aad.toString('base64'),
      ...more,
    })

  it('hides the plaintext, and never gives the same ciphertext twice', async () => {
    const [first, second] = [await encrypted(), await encrypted()]
    expect(first.includes(secret)).toBe(false)
    expect(first.equals(second)).toBe(false)
    expect((await decrypt(first)).body.plaintext).toBe(secret.toString('base64'))
  })

  it('refuses every flipped bit, other additional data and another key as one INVALID_ARGUMENT', async () => {
    const ciphertext = await encrypted()
    const { keyName: other } = project.control.createKey({
      projectId: 'acme-prod',
      cryptoKey: 'other',
      keyRing: 'ring',
    })
    const flipped = Array.from({ length: ciphertext.length }, (_, at) => {
      const bytes = Buffer.from(ciphertext)
      bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at)
      return bytes
    })
    const attempts = [
      ...flipped.map((bytes) => decrypt(bytes)),
      decrypt(ciphertext, { additionalAuthenticatedData: 'AAAA' }),
      decrypt(ciphertext, { additionalAuthenticatedData: undefined }),
      decrypt(ciphertext, {}, other),
      decrypt(ciphertext.subarray(0, -1)),
      decrypt(Buffer.alloc(0)),
    ]
    for (const { body, status } of await Promise.all(attempts)) {
      expect([status, body.error.status]).toEqual([400, 'INVALID_ARGUMENT'])
      expect(body.error.message).toMatch(/^Decryption failed: /)
    }
  })

  it('over gRPC opens what was encrypted over REST, and the other way round', async () => {
    const grpc = project.grpcAs(project.ownerToken)
    const [opened] = await grpc.decrypt({
      name: project.keyName,
      ciphertext: await encrypted(),
      additionalAuthenticatedData: aad,
    })
    expect(Buffer.from(opened.plaintext ?? '').equals(secret)).toBe(true)
    const [made] = await grpc.encrypt({
      name: project.keyName,
      plaintext: secret,
      additionalAuthenticatedData: aad,
    })
    expect((await decrypt(Buffer.from(made.ciphertext ?? ''))).body.plaintext).toBe(secret.toString('base64'))
  })

  it('verifies the checksums that it is given, says that it did, and gives its own', async () => {
    const path = `${project.keyName}:encrypt`
    const unchecked = (await project.owner('POST', path, request())).body
    expect([unchecked.verifiedPlaintextCrc32c, unchecked.verifiedAdditionalAuthenticatedDataCrc32c]).toEqual([
      false,
      false,
    ])
    const { body } = await project.owner('POST', path, {
      ...request(),
      plaintextCrc32c: String(crc32c(secret)),
      additionalAuthenticatedDataCrc32c: String(crc32c(aad)),
    })
    expect([body.verifiedPlaintextCrc32c, body.verifiedAdditionalAuthenticatedDataCrc32c]).toEqual([
      true,
      true,
    ])
    const ciphertext = Buffer.from(body.ciphertext, 'base64')
    expect(body.ciphertextCrc32c).toBe(String(crc32c(ciphertext)))
    const wrong = await project.owner('POST', path, { ...request(), plaintextCrc32c: '1' })
    expect(wrong.body.error.message).toBe(
      'The checksum in field plaintext_crc32c did not match the data in field plaintext.',
    )
    const opened = await decrypt(ciphertext, { ciphertextCrc32c: '1' })
    expect(opened.body.error.message).toContain('ciphertext_crc32c')
  })

  it('takes 64 KiB, of a key in an HSM 8 KiB together with the additional data', async () => {
    const { keyName: hsm } = project.control.createKey({
      projectId: 'acme-prod',
      cryptoKey: 'hsm',
      keyRing: 'ring',
      protectionLevel: 'HSM',
    })
    const sizes = [
      [project.keyName, 65_536, 200],
      [project.keyName, 65_537, 400],
      [hsm, 8_192, 200],
      [hsm, 8_193, 400],
    ] as const
    for (const [keyName, bytes, status] of sizes) {
      const plaintext = Buffer.alloc(bytes).toString('base64')
      expect((await project.owner('POST', `${keyName}:encrypt`, { plaintext })).status).toBe(status)
    }
  })

  it('is refused for a key of another purpose, and decrypting by the name of a version', async () => {
    const { keyName } = project.control.createKey({
      projectId: 'acme-prod',
      cryptoKey: 'signs',
      keyRing: 'ring',
      purpose: 'ASYMMETRIC_SIGN',
    })
    const refused = await project.owner('POST', `${keyName}:encrypt`, { plaintext: 'AAAA' })
    expect(refused.body.error.message).toContain('purpose ASYMMETRIC_SIGN')
    const grpc = project.grpcAs(project.ownerToken)
    await expect(
      grpc.decrypt({ name: project.versionName, ciphertext: await encrypted() }),
    ).rejects.toMatchObject({
      code: 3,
    })
  })
})
