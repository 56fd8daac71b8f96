import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeVaultKeys } from '../../../contract/azure-vault.behaviour.ts'
import { startTwoTenants } from './two-tenants.ts'

describeVaultKeys('an emulated vault', async () => {
  const azure = await startTwoTenants()
  return {
    vaultHost: azure.vault.host,
    pollMs: 10,
    keysOf: (host) => azure.keysOf(azure.owner, host),
    cryptoOf: (keyId) => azure.cryptoOf(azure.owner, keyId),
    [Symbol.asyncDispose]: () => azure[Symbol.asyncDispose](),
  }
})

describe('keys in an emulated Managed HSM, by the unmodified SDK', () => {
  let azure: Awaited<ReturnType<typeof startTwoTenants>>
  beforeAll(async () => {
    azure = await startTwoTenants()
  })
  afterAll(() => azure[Symbol.asyncDispose]())

  const RSA = 'RSA-OAEP-256'
  const DIGEST = randomBytes(32)
  const crypto = (keyId = '') => azure.cryptoOf(azure.owner, keyId)

  it('makes a symmetric key in a Managed HSM alone, and wraps with it by RFC 3394', async () => {
    const hsmKeys = azure.keysOf(azure.owner, azure.hsm.host)
    const { id = '' } = await hsmKeys.createOctKey('aes', { keySize: 256, hsm: true })
    const { result } = await crypto(id).wrapKey('A256KW', randomBytes(64))
    expect(result).toHaveLength(72)
    const changed = Buffer.from(result)
    changed.writeUInt8(changed.readUInt8(5) ^ 1, 5)
    await expect(crypto(id).unwrapKey('A256KW', changed)).rejects.toMatchObject({ code: 'BadParameter' })
    const aad = Buffer.from('context')
    const sealed = await crypto(id).encrypt({
      algorithm: 'A256GCM',
      plaintext: DIGEST,
      additionalAuthenticatedData: aad,
    })
    const opening = (additionalAuthenticatedData: Buffer) =>
      crypto(id).decrypt({
        algorithm: 'A256GCM',
        ciphertext: sealed.result,
        iv: sealed.iv ?? Buffer.alloc(0),
        authenticationTag: sealed.authenticationTag ?? Buffer.alloc(0),
        additionalAuthenticatedData,
      })
    expect(Buffer.from((await opening(aad)).result)).toEqual(DIGEST)
    await expect(opening(Buffer.from('another'))).rejects.toMatchObject({ statusCode: 400 })
    await expect(azure.keysOf(azure.owner).createOctKey('aes', { hsm: true })).rejects.toMatchObject({
      code: 'BadParameter',
    })
    await expect(crypto(id).wrapKey(RSA, DIGEST)).rejects.toMatchObject({ code: 'BadParameter' })
  })
})
