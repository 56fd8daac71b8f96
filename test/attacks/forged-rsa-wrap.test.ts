import { constants, createHash, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto'
import { KeyClient } from '@azure/keyvault-keys'
import { ClientSecretCredential } from '@azure/identity'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canonicalAad } from '#envelope/aad.ts'
import { decodeEnvelope } from '#envelope/format-v1.ts'
import { generateDek } from '#envelope/record-key.ts'
import { sealSecret } from '#envelope/seal.ts'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import { rowMac } from '#integrity/row-mac.ts'
import { SecretRing } from '#integrity/secret-ring.ts'
import { credentialContext } from '#targets/seal-credential.ts'
import { azureSdkOptions } from '../support/azure-sdk-options.ts'
import { startBesiegedHasp, type Besieged } from './support/besieged-hasp.ts'

const FORGED = 'sk-test-chosen-by-the-attacker-0000'
const hex = (bytes: Buffer) => `'\\x${bytes.toString('hex')}'::bytea`

/**
 * RSA wraps by its public half: whoever reads it (any right to read the key will do) makes wrapped DEKs that the
 * vault unwraps. Nothing in the vault tells them from ours; the row's mac must.
 */
describe('whoever holds the public half of a KEK in a key vault, and writes to the database', () => {
  let besieged: Besieged
  beforeAll(async () => {
    besieged = await startBesiegedHasp('azure')
    await besieged.attacker.remember()
    besieged.surroundings.openai.setAcceptedCredentials([FORGED])
  })
  afterAll(() => besieged[Symbol.asyncDispose]())

  const isVictims = () => `target_id = '${besieged.a.victimId}' AND generation = 1`

  /** A record that is right in everything: format, context, digest, and a wrap that the vault itself will unwrap. */
  const forgedRecord = async (): Promise<Buffer> => {
    const { a, attacker } = besieged
    const [saved] = await attacker.query(`SELECT sealed FROM saved_credentials WHERE ${isVictims()}`)
    const { wrapped } = decodeEnvelope(saved.sealed)
    const target = { id: a.victimId, orgId: a.id, provider: 'openai', environment: 'production' }
    const context = credentialContext(target, { kekId: a.victimKekId, generation: 1 })
    using dek = generateDek()
    using plaintext = SecretBytes.take(Buffer.from(FORGED))
    const digest = createHash('sha256').update(canonicalAad(context)).digest()
    const bytes = publicEncrypt(
      {
        key: await publicKeyOf(wrapped.kekRef),
        padding: constants.RSA_PKCS1_OAEP_PADDING,
        oaepHash: 'sha256',
      },
      Buffer.concat([dek.unsafeBytes(), digest]),
    )
    return sealSecret({ plaintext, dek, wrapped: { ...wrapped, bytes }, context })
  }

  /** As an insider of the customer's would, with a role that reads keys and no more. */
  const publicKeyOf = async (kekRef: string) => {
    const { emulator } = besieged.azure ?? never()
    const { hostname, pathname } = new URL(kekRef)
    const { tenantId } = (await besieged.a.api('GET', `/keks/${besieged.a.victimKekId}`)).body.access
    const insider = emulator.control.createApplication({ tenantId, name: 'insider' })
    emulator.control.assignRole({ objectId: insider.objectId, role: 'Key Vault Reader', store: hostname })
    const options = azureSdkOptions(emulator)
    const credential = new ClientSecretCredential(tenantId, insider.clientId, insider.clientSecret, options)
    const { key } = await new KeyClient(`https://${hostname}`, credential, options).getKey(
      pathname.split('/')[2] ?? '',
    )
    const [n, e] = [key?.n, key?.e].map((part) => Buffer.from(part ?? []).toString('base64url'))
    return createPublicKey({ format: 'jwk', key: { kty: 'RSA', n: n ?? '', e: e ?? '' } })
  }

  const rowOf = async (sealed: Buffer, ring: SecretRing) => {
    const [saved] = await besieged.attacker.query(`SELECT * FROM saved_credentials WHERE ${isVictims()}`)
    const row = { ...saved, generation: 1, sealed }
    return `UPDATE credentials SET sealed = ${hex(sealed)}, mac = ${hex(rowMac(ring, 'credentials', row))} WHERE ${isVictims()}`
  }

  /** Probes unwrap canaries all the time, so the log is asked for the calls of credentials' unwraps alone. */
  const unwrapsIntended = async () => {
    const [row] = await besieged.attacker.query(
      `SELECT count(*)::int AS count FROM ledger_entries WHERE kind = 'unwrap.intended' AND target_id = '${besieged.a.victimId}'`,
    )
    return row.count
  }

  it('is refused by the mac of the row, before the vault is asked', async () => {
    const { a, attacker, call, providerRequests } = besieged
    const guessed = new SecretRing({ current: randomBytes(32) })
    expect(await attacker.apply(await rowOf(await forgedRecord(), guessed))).toBe(true)
    const before = { intended: await unwrapsIntended(), requests: providerRequests() }
    expect((await call(a.agent.token)).code).toBe('credential_tampered')
    expect({ intended: await unwrapsIntended(), requests: providerRequests() }).toEqual(before)
  })

  it('would be served with the root secret: the vault unwraps what it never wrapped', async () => {
    const { a, attacker, call, hasp } = besieged
    expect(await attacker.apply(await rowOf(await forgedRecord(), hasp.context.ring))).toBe(true)
    expect(await call(a.agent.token)).toMatchObject({ status: 200 })
  })
})

function never(): never {
  throw new Error('The KEKs of this test are in Azure.')
}
