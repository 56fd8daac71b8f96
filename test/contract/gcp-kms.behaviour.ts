import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { crc32c } from '#emulators/google/wire/crc32c.ts'
import type { AnyJson } from '../support/running-hasp.ts'

/** A key in a Google Cloud KMS, and its owner's way to it over REST. */
export type GoogleKms = AsyncDisposable &
  Readonly<{
    keyName: string
    asOwner: (
      verb: string,
      path: string,
      body?: object,
    ) => Promise<Readonly<{ status: number; body: AnyJson }>>
    /** Longest that disabling a version takes to bite. */
    effectMsMax: number
  }>

const secret = Buffer.from('thirty-two bytes, as a DEK has..')
const context = Buffer.from('context')

/** What Hasp relies on of Google Cloud KMS, wherever it is: docs/emulators.md names these rows as conformance. */
export function describeGoogleKms(name: string, start: () => Promise<GoogleKms>): void {
  describe(`the Google Cloud KMS ${name}`, () => {
    let kms: GoogleKms
    beforeAll(async () => {
      kms = await start()
    })
    afterAll(() => kms[Symbol.asyncDispose]())

    const encrypt = (more: object = {}) =>
      kms.asOwner('POST', `${kms.keyName}:encrypt`, {
        plaintext: secret.toString('base64'),
        additionalAuthenticatedData: context.toString('base64'),
        ...more,
      })
    const decrypt = (ciphertext: string, more: object = {}) =>
      kms.asOwner('POST', `${kms.keyName}:decrypt`, {
        ciphertext,
        additionalAuthenticatedData: context.toString('base64'),
        ...more,
      })

    it('names the version that encrypted, and gives back what was encrypted', async () => {
      const { body } = await encrypt()
      expect(body.name).toMatch(new RegExp(`^${kms.keyName}/cryptoKeyVersions/[1-9]\\d*$`))
      const opened = await decrypt(body.ciphertext)
      expect(opened.body).toMatchObject({ plaintext: secret.toString('base64'), usedPrimary: true })
      expect(opened.body.plaintextCrc32c).toBe(String(crc32c(secret)))
    })

    it('says that it verified the checksums, and gives that of its ciphertext', async () => {
      const { body } = await encrypt({
        plaintextCrc32c: String(crc32c(secret)),
        additionalAuthenticatedDataCrc32c: String(crc32c(context)),
      })
      expect(body).toMatchObject({
        verifiedPlaintextCrc32c: true,
        verifiedAdditionalAuthenticatedDataCrc32c: true,
        ciphertextCrc32c: String(crc32c(Buffer.from(body.ciphertext, 'base64'))),
      })
    })

    it('refuses a checksum that does not fit as INVALID_ARGUMENT that speaks of a checksum', async () => {
      const { body, status } = await encrypt({ plaintextCrc32c: '1' })
      expect([status, body.error.status]).toEqual([400, 'INVALID_ARGUMENT'])
      expect(body.error.message).toMatch(/checksum|crc32c/i)
    })

    it('refuses other additional data and a damaged ciphertext as INVALID_ARGUMENT that speaks of no checksum', async () => {
      const { ciphertext } = (await encrypt()).body
      const damaged = Buffer.from(ciphertext, 'base64')
      damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1)
      for (const reply of [
        await decrypt(ciphertext, { additionalAuthenticatedData: 'b3RoZXI=' }),
        await decrypt(damaged.toString('base64')),
      ]) {
        expect([reply.status, reply.body.error.status]).toEqual([400, 'INVALID_ARGUMENT'])
        expect(reply.body.error.message).not.toMatch(/checksum|crc32c|purpose|location/i)
      }
    })

    it('tells with testIamPermissions what the caller may', async () => {
      const permissions = [
        'cloudkms.cryptoKeyVersions.useToDecrypt',
        'cloudkms.cryptoKeyVersions.useToEncrypt',
      ]
      const { body } = await kms.asOwner('POST', `${kms.keyName}:testIamPermissions`, { permissions })
      expect(new Set(body.permissions)).toEqual(new Set(permissions))
    })

    it('refuses a disabled version as FAILED_PRECONDITION that names the state, and serves it once it is enabled', async () => {
      const { ciphertext, name: version } = (await encrypt()).body
      const setState = (state: string) => kms.asOwner('PATCH', `${version}?updateMask=state`, { state })
      try {
        await setState('DISABLED')
        await expect
          .poll(async () => (await decrypt(ciphertext)).status, { timeout: kms.effectMsMax, interval: 250 })
          .toBe(400)
        const { error } = (await decrypt(ciphertext)).body
        expect(error.status).toBe('FAILED_PRECONDITION')
        expect(error.message).toMatch(/current state is: DISABLED/)
        expect(error.details.flatMap(({ violations = [] }: AnyJson) => violations)[0].type).toBe(
          'KEY_DISABLED',
        )
      } finally {
        await setState('ENABLED')
      }
      await expect
        .poll(async () => (await decrypt(ciphertext)).status, { timeout: kms.effectMsMax })
        .toBe(200)
    })
  })
}
