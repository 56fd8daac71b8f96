import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto'
import type { CryptographyClient, KeyClient } from '@azure/keyvault-keys'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const RSA = 'RSA-OAEP-256'
const DIGEST = randomBytes(32)

/** A vault whose owner may make, use, change, delete and purge its keys. */
export type VaultUnderTest = AsyncDisposable &
  Readonly<{
    vaultHost: string
    /** How often deletion and recovery are asked after. */
    pollMs: number
    keysOf: (host: string) => KeyClient
    /** Does everything on the service. */
    cryptoOf: (keyId: string) => CryptographyClient
  }>

/**
 * The rows of the conformance table (docs/emulators.md) that a real vault can be asked too, by the unmodified SDK.
 * What it makes, it leaves behind deleted.
 */
export function describeVaultKeys(name: string, start: () => Promise<VaultUnderTest>): void {
  describe(`keys in ${name}, by the unmodified SDK`, () => {
    let azure: VaultUnderTest
    beforeAll(async () => {
      azure = await start()
    })
    afterAll(async () => {
      for (const key of made) await (await keys().beginDeleteKey(key)).pollUntilDone().catch(() => undefined)
      await azure[Symbol.asyncDispose]()
    })

    // A name is taken for as long as its key can be recovered.
    const run = randomBytes(4).toString('hex')
    const made: string[] = []
    const named = (name: string) => {
      made.push(`${name}-${run}`)
      return `${name}-${run}`
    }
    const keys = () => azure.keysOf(azure.vaultHost)
    const crypto = (keyId = '') => azure.cryptoOf(keyId)
    const create = async (name: string) => (await keys().createRsaKey(name, { keySize: 2048 })).id ?? ''

    it('creates, reads, lists and rotates, and names each version by its identifier', async () => {
      const name = named('made')
      const id = await create(name)
      expect(id.startsWith(`https://${azure.vaultHost}/keys/${name}/`)).toBe(true)
      expect(id).toMatch(/\/[0-9a-f]{32}$/)
      const rotated = await keys().rotateKey(name)
      expect(rotated.id).not.toBe(id)
      expect((await keys().getKey(name)).id).toBe(rotated.id)
      const versions = []
      for await (const { id: versionId } of keys().listPropertiesOfKeyVersions(name)) versions.push(versionId)
      expect(new Set(versions)).toEqual(new Set([id, rotated.id]))
      const names = []
      for await (const { name: listed } of keys().listPropertiesOfKeys()) names.push(listed)
      expect(names).toContain(name)
    })

    it('wraps and unwraps by the version asked for, and by the latest where none is', async () => {
      const name = named('wrapping')
      const id = await create(name)
      const { result: old } = await crypto(id).wrapKey(RSA, DIGEST)
      expect(Buffer.from((await crypto(id).unwrapKey(RSA, old)).result)).toEqual(DIGEST)
      await keys().rotateKey(name)
      expect(Buffer.from((await crypto(id).unwrapKey(RSA, old)).result)).toEqual(DIGEST)
      const latest = crypto(id.slice(0, id.lastIndexOf('/')))
      await expect(latest.unwrapKey(RSA, old)).rejects.toMatchObject({
        statusCode: 400,
        code: 'BadParameter',
      })
    })

    it('refuses any changed bit with one and the same BadParameter', async () => {
      const id = await create(named('bits'))
      const { result } = await crypto(id).wrapKey(RSA, DIGEST)
      for (const at of [0, 17, result.length - 1]) {
        const changed = Buffer.from(result)
        changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
        await expect(crypto(id).unwrapKey(RSA, changed)).rejects.toMatchObject({
          statusCode: 400,
          code: 'BadParameter',
        })
      }
    })

    it('encrypts, decrypts, signs and verifies', async () => {
      const name = named('using')
      const id = await create(name)
      const { result } = await crypto(id).encrypt({ algorithm: RSA, plaintext: DIGEST })
      const decrypted = await crypto(id).decrypt({ algorithm: RSA, ciphertext: result })
      expect(Buffer.from(decrypted.result)).toEqual(DIGEST)
      const message = randomBytes(100)
      const signature = (await crypto(id).signData('RS256', message)).result
      const digest = createHash('sha256').update(message).digest()
      expect((await crypto(id).verify('RS256', digest, signature)).result).toBe(true)
      expect((await crypto(id).verify('RS256', DIGEST, signature)).result).toBe(false)
      const { n, e } = (await keys().getKey(name)).key ?? {}
      const [modulus = '', exponent = ''] = [n, e].map((part) =>
        Buffer.from(part ?? []).toString('base64url'),
      )
      const publicKey = createPublicKey({ format: 'jwk', key: { kty: 'RSA', n: modulus, e: exponent } })
      expect(verify('sha256', message, publicKey, signature)).toBe(true)
    })

    it('blocks unwrapping, decrypting and signing while a version is disabled, and nothing else', async () => {
      const name = named('disabled')
      const id = await create(name)
      const wrapped = (await crypto(id).wrapKey(RSA, DIGEST)).result
      const signature = (await crypto(id).sign('RS256', DIGEST)).result
      await keys().updateKeyProperties(name, id.split('/').at(-1) ?? '', { enabled: false })
      const forbidden = { statusCode: 403, details: { error: { innerError: { code: 'KeyDisabled' } } } }
      await expect(crypto(id).unwrapKey(RSA, wrapped)).rejects.toMatchObject(forbidden)
      await expect(crypto(id).decrypt({ algorithm: RSA, ciphertext: wrapped })).rejects.toMatchObject(
        forbidden,
      )
      await expect(crypto(id).sign('RS256', DIGEST)).rejects.toMatchObject(forbidden)
      await crypto(id).wrapKey(RSA, DIGEST)
      await crypto(id).encrypt({ algorithm: RSA, plaintext: DIGEST })
      expect((await crypto(id).verify('RS256', DIGEST, signature)).result).toBe(true)
      expect((await keys().getKey(name)).properties.enabled).toBe(false)
    })

    it.each([
      ['expired', { expiresOn: new Date(Date.now() - 60_000) }, 'KeyExpired'],
      ['not valid yet', { notBefore: new Date(Date.now() + 3_600_000) }, 'KeyNotYetValid'],
    ])(
      'blocks wrapping, encrypting and signing while a version is %s, and unwraps on',
      async (_, dates, code) => {
        const name = named(code)
        const id = await create(name)
        const wrapped = (await crypto(id).wrapKey(RSA, DIGEST)).result
        await keys().updateKeyProperties(name, id.split('/').at(-1) ?? '', dates)
        const forbidden = { statusCode: 403, details: { error: { innerError: { code } } } }
        await expect(crypto(id).wrapKey(RSA, DIGEST)).rejects.toMatchObject(forbidden)
        await expect(crypto(id).encrypt({ algorithm: RSA, plaintext: DIGEST })).rejects.toMatchObject(
          forbidden,
        )
        await expect(crypto(id).sign('RS256', DIGEST)).rejects.toMatchObject(forbidden)
        expect(Buffer.from((await crypto(id).unwrapKey(RSA, wrapped)).result)).toEqual(DIGEST)
      },
    )

    it('permits only the operations that the key names', async () => {
      const { id = '' } = await keys().createRsaKey(named('narrow'), { keyOps: ['wrapKey'] })
      const { result } = await crypto(id).wrapKey(RSA, DIGEST)
      await expect(crypto(id).unwrapKey(RSA, result)).rejects.toMatchObject({
        statusCode: 403,
        details: { error: { innerError: { code: 'KeyOperationForbidden' } } },
      })
    })

    it('keeps a deleted key from use and its name from others, recovers it, and purges it for good', async () => {
      const name = named('deleted')
      const id = await create(name)
      const wrapped = (await crypto(id).wrapKey(RSA, DIGEST)).result
      await (await keys().beginDeleteKey(name, { intervalInMs: azure.pollMs })).pollUntilDone()
      await expect(crypto(id).unwrapKey(RSA, wrapped)).rejects.toMatchObject({
        statusCode: 404,
        code: 'KeyNotFound',
      })
      await expect(keys().createRsaKey(name)).rejects.toMatchObject({ statusCode: 409, code: 'Conflict' })
      expect((await keys().getDeletedKey(name)).id).toBe(id)
      await (await keys().beginRecoverDeletedKey(name, { intervalInMs: azure.pollMs })).pollUntilDone()
      expect(Buffer.from((await crypto(id).unwrapKey(RSA, wrapped)).result)).toEqual(DIGEST)
      await (await keys().beginDeleteKey(name, { intervalInMs: azure.pollMs })).pollUntilDone()
      await keys().purgeDeletedKey(name)
      await expect(keys().getDeletedKey(name)).rejects.toMatchObject({ statusCode: 404 })
      expect(await create(name)).not.toBe(id)
    })
  })
}
