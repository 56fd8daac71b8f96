import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeEnvelope, decodeEnvelope } from '#envelope/format-v1.ts'
import { generateDek } from '#envelope/record-key.ts'
import { sealSecret } from '#envelope/seal.ts'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import { newId } from '#db/ids.ts'
import { rowMac } from '#integrity/row-mac.ts'
import { SecretRing } from '#integrity/secret-ring.ts'
import { mintToken, tokenDigests } from '#integrity/token.ts'
import { AwsClients } from '#kms/aws/aws-clients.ts'
import { AwsKekProvider } from '#kms/aws/aws-kek-provider.ts'
import type { KekProvider } from '#kms/kek-provider.ts'
import { credentialContext } from '#targets/seal-credential.ts'
import { credentialOf, startBesiegedHasp, type Besieged } from './support/besieged-hasp.ts'

/** Probes unwrap canaries all the time. */
function isOfCredential(event: { eventName: string; requestParameters: object | null }): boolean {
  const context = JSON.stringify(event.requestParameters)
  return event.eventName === 'Decrypt' && context.includes('"hasp:purpose":"credential"')
}

const hex = (bytes: Buffer) => `'\\x${bytes.toString('hex')}'::bytea`

describe('whoever can write to the database, and nothing else', () => {
  let besieged: Besieged
  beforeAll(async () => {
    besieged = await startBesiegedHasp('aws')
    const { a, attacker, surroundings } = besieged
    // A rotation, so that there is an older version to go back to.
    const rotated = { credential: `${credentialOf(a.id, 'victim')}-rotated`, validate: false }
    await a.api('PATCH', `/api-targets/${a.victimId}`, rotated)
    surroundings.openai.setAcceptedCredentials([
      rotated.credential,
      ...['victim', 'bystander'].map((name) => credentialOf(a.id, name)),
      credentialOf(besieged.b.id, 'victim'),
    ])
    await attacker.remember()
  })
  afterAll(() => besieged[Symbol.asyncDispose]())

  const decryptions = () => besieged.surroundings.emulator.control.events().filter(isOfCredential).length

  /** What a call gets after `change`, what left Hasp for it, and whether the other target still works. */
  const attempt = async (
    change: string,
    { token = besieged.a.agent.token, target = 'victim', model = 'gpt-5' } = {},
  ) => {
    const { attacker, call, alarms, providerRequests, a } = besieged
    await attacker.restore()
    const isServedBefore = (await call(a.agent.token)).status === 200
    const before = { requests: providerRequests(), decryptions: decryptions(), alarms: alarms().length }
    const isApplied = await attacker.apply(change)
    const { code } = await call(token, target, model)
    const outcome = {
      isServedBefore,
      isApplied,
      code,
      providerRequests: providerRequests() - before.requests,
      decryptions: decryptions() - before.decryptions,
      isAlarmed: alarms().length > before.alarms,
      bystander: (await call(a.agent.token, 'bystander')).status,
    }
    await attacker.restore()
    return outcome
  }

  /** Nobody got through: the provider saw nothing, the KMS was not asked, somebody is told; others go on. */
  const refused = (code: string, isAlarmed = true) => ({
    isServedBefore: true,
    isApplied: true,
    code,
    providerRequests: 0,
    decryptions: 0,
    isAlarmed,
    bystander: 200,
  })

  const generation = (of: number) => `target_id = '${besieged.a.victimId}' AND generation = ${of}`

  describe('and puts an older version in the place of the present one', () => {
    it('lends nothing with the older blob under the present row', async () => {
      expect(
        await attempt(
          `UPDATE credentials SET sealed = (SELECT sealed FROM saved_credentials WHERE ${generation(1)}) WHERE ${generation(2)}`,
        ),
      ).toEqual(refused('credential_tampered'))
    })

    it('lends nothing with the older blob and its mac, or the whole older row but its generation', async () => {
      for (const columns of ['sealed, mac', 'sealed, mac, preview, created_at'])
        expect(
          await attempt(
            `UPDATE credentials SET (${columns}) = (SELECT ${columns} FROM saved_credentials WHERE ${generation(1)}) WHERE ${generation(2)}`,
          ),
        ).toEqual(refused('credential_tampered'))
    })

    it('lends nothing when the older row is renumbered, or the target is told to use it', async () => {
      expect(
        await attempt(`WITH gone AS (DELETE FROM credentials WHERE ${generation(2)})
         UPDATE credentials SET generation = 2 WHERE ${generation(1)}`),
      ).toEqual(refused('credential_tampered'))
      expect(await attempt(`UPDATE targets SET generation = 1 WHERE id = '${besieged.a.victimId}'`)).toEqual(
        refused('credential_tampered'),
      )
      expect(await attempt(`DELETE FROM credentials WHERE ${generation(2)}`)).toEqual(
        refused('credential_tampered'),
      )
    })
  })

  describe('and forges a credential', () => {
    let clients: AwsClients
    beforeAll(() => {
      clients = new AwsClients(besieged.surroundings.aws)
    })
    afterAll(() => clients[Symbol.asyncDispose]())
    const realKek = async (): Promise<KekProvider> => {
      const { a } = besieged
      const { keyArn, roleArn, externalId } = (await a.api('GET', `/keks/${a.victimKekId}`)).body.access
      return new AwsKekProvider({ kekId: a.victimKekId, keyArn, roleArn, externalId }, clients)
    }
    /** Everything right but who made it: the format, the context and, by the KMS itself, the wrap. */
    const sealedByHand = async () => {
      const { a } = besieged
      const target = { id: a.victimId, orgId: a.id, provider: 'openai', environment: 'production' }
      const context = credentialContext(target, { kekId: a.victimKekId, generation: 2 })
      using dek = generateDek()
      using plaintext = SecretBytes.take(Buffer.from(credentialOf(a.id, 'victim')))
      const { wrappedDek } = await (await realKek()).wrap(dek, context)
      return sealSecret({ plaintext, dek, wrapped: { ...wrappedDek, materialId: '' }, context })
    }
    const rowOf = async (sealed: Buffer, ring: SecretRing) => {
      const { a, attacker } = besieged
      const [saved] = await attacker.query(`SELECT * FROM saved_credentials WHERE ${generation(2)}`)
      const row = { ...saved, generation: 2, org_id: a.id, sealed }
      return `UPDATE credentials SET sealed = ${hex(sealed)}, mac = ${hex(rowMac(ring, 'credentials', row))} WHERE ${generation(2)}`
    }

    it('lends nothing of a well-formed record whose mac was made without the root secret', async () => {
      const guessed = new SecretRing({ current: randomBytes(32) })
      expect(await attempt(await rowOf(await sealedByHand(), guessed))).toEqual(
        refused('credential_tampered'),
      )
    })

    it('would lend it with the root secret: the test above tests the mac and nothing less', async () => {
      const { a, attacker, call, hasp } = besieged
      expect(await attacker.apply(await rowOf(await sealedByHand(), hasp.context.ring))).toBe(true)
      expect(await call(a.agent.token)).toMatchObject({ status: 200 })
    })

    it('lends nothing that another KEK wrapped, even with the root secret', async () => {
      const { a, attacker, hasp } = besieged
      const { ring } = hasp.context
      const [side] = await attacker.query(
        `SELECT sealed FROM saved_credentials WHERE target_id = '${a.bystanderId}'`,
      )
      expect(await attempt(await rowOf(side.sealed, ring))).toEqual(refused('credential_tampered'))
    })

    it('lends nothing where the record names the right KEK, and another wrapped it', async () => {
      const { a, b, attacker, hasp, call, providerRequests } = besieged
      const [theirs] = await attacker.query(
        `SELECT sealed FROM saved_credentials WHERE target_id = '${b.victimId}' AND generation = 1`,
      )
      const [ours] = await attacker.query(`SELECT sealed FROM saved_credentials WHERE ${generation(2)}`)
      const [own, foreign] = [decodeEnvelope(ours.sealed), decodeEnvelope(theirs.sealed)]
      const forged = encodeEnvelope({ ...own, wrapped: { ...own.wrapped, bytes: foreign.wrapped.bytes } })
      const before = providerRequests()
      expect(await attacker.apply(await rowOf(forged, hasp.context.ring))).toBe(true)
      expect((await call(a.agent.token)).code).toMatch(/^(credential_tampered|kek_misconfigured)$/)
      expect(providerRequests()).toBe(before)
    })
  })

  describe('and edits a KEK', () => {
    const set = (assignment: string) => `UPDATE keks SET ${assignment} WHERE id = '${besieged.a.victimKekId}'`

    it.each([
      `kek_ref = 'arn:aws:kms:eu-central-1:111111111111:key/00000000-0000-4000-8000-000000000000'`,
      `access = jsonb_set(access, '{roleArn}', '"arn:aws:iam::111111111111:role/attacker"')`,
      `access = jsonb_set(access, '{keyArn}', '"arn:aws:kms:eu-central-1:111111111111:key/00000000-0000-4000-8000-000000000000"')`,
      `access = jsonb_set(access, '{externalId}', '"chosen"')`,
      `access = '{"provider": "local", "fileId": "attacker"}', provider = 'local', kek_ref = 'local:attacker'`,
      `unwrap_mode = 'cached'`,
      `cache_ceiling_ms = 300000`,
      `stream_rule = 'drain'`,
      `probe_interval_ms = 0`,
      `canary = NULL`,
    ])('lends nothing after %s', async (assignment) => {
      expect(await attempt(set(assignment))).toEqual(refused('credential_tampered'))
    })

    it('lends nothing under the KEK row of another organisation', async () => {
      const { a, b } = besieged
      expect(
        await attempt(`UPDATE targets SET kek_id = '${b.victimKekId}' WHERE id = '${a.victimId}'`),
      ).toEqual(refused('credential_tampered'))
      expect(
        await attempt(`WITH theirs AS (UPDATE keks SET org_id = '${a.id}' WHERE id = '${b.victimKekId}')
         UPDATE targets SET kek_id = '${b.victimKekId}' WHERE id = '${a.victimId}'`),
      ).toEqual(refused('credential_tampered'))
    })
  })

  describe('and edits a target', () => {
    it('sends no credential to an address of its own', async () => {
      const seen: string[] = []
      const server = createServer((request, response) => {
        seen.push(JSON.stringify(request.headers))
        response.end('{}')
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      const where = `WHERE id = '${besieged.a.victimId}'`
      expect(await attempt(`UPDATE targets SET base_url = 'http://127.0.0.1:${port}' ${where}`)).toEqual(
        refused('credential_tampered'),
      )
      expect(await attempt(`UPDATE targets SET base_url = base_url || '/v1/organization' ${where}`)).toEqual(
        refused('credential_tampered'),
      )
      expect(seen).toEqual([])
      server.close()
    })

    it('lends no target of one organisation to another', async () => {
      const { a, b } = besieged
      expect(await attempt(`UPDATE targets SET org_id = '${b.id}' WHERE id = '${a.victimId}'`)).toEqual(
        refused('no_target', false),
      )
      expect(
        await attempt(
          `WITH moved AS (UPDATE credentials SET org_id = '${b.id}' WHERE target_id = '${a.victimId}'),
              kek AS (UPDATE keks SET org_id = '${b.id}' WHERE id = '${a.victimKekId}')
         UPDATE targets SET org_id = '${b.id}', name = 'stolen' WHERE id = '${a.victimId}'`,
          { token: b.agent.token, target: 'stolen' },
        ),
      ).toEqual(refused('credential_tampered'))
    })
  })

  describe('and edits a virtual key', () => {
    const set = (assignment: string, id: string) => `UPDATE virtual_keys SET ${assignment} WHERE id = '${id}'`

    it.each(['target_ids', 'models'])('lends nothing with %s widened', async (column) => {
      const { limited } = besieged.a
      const options = { token: limited.token, target: 'bystander' }
      expect(await attempt(set(`${column} = '{}'`, limited.id), options)).toEqual(
        refused('virtual_key_tampered'),
      )
    })

    it.each(["expires_at = '2199-01-01'", 'expires_at = NULL', "expires_at = 'infinity'"])(
      'lends nothing with %s',
      async (assignment) => {
        const { limited } = besieged.a
        const options = { token: limited.token, target: 'bystander' }
        expect(await attempt(set(assignment, limited.id), options)).toEqual(refused('virtual_key_tampered'))
      },
    )

    it('lends nothing of one organisation to the virtual key of another', async () => {
      const { a, b } = besieged
      expect(
        await attempt(set(`org_id = '${a.id}'`, b.agent.id), {
          token: b.agent.token,
        }),
      ).toEqual(refused('virtual_key_tampered'))
    })

    it('knows no token that it chose itself', async () => {
      const { a } = besieged
      const { token } = mintToken('hasp_vk')
      const [digest = Buffer.alloc(0)] = tokenDigests(new SecretRing({ current: randomBytes(32) }), token)
      expect(
        await attempt(set(`digest = ${hex(digest)}`, a.limited.id), {
          token,
        }),
      ).toEqual(refused('virtual_key_unknown', false))
    })

    it('lends nothing to its own virtual key under the id and scope of another', async () => {
      const { a, b } = besieged
      const theirs = `(SELECT digest FROM saved_virtual_keys WHERE id = '${b.agent.id}')`
      expect(
        await attempt(
          `WITH gone AS (DELETE FROM virtual_keys WHERE id = '${b.agent.id}') ${set(`digest = ${theirs}`, a.limited.id)}`,
          { token: b.agent.token },
        ),
      ).toEqual(refused('virtual_key_tampered'))
    })

    it('lends nothing to a row that it made up', async () => {
      const { a } = besieged
      const { token, hint } = mintToken('hasp_vk')
      const ring = new SecretRing({ current: randomBytes(32) })
      const [digest = Buffer.alloc(0)] = tokenDigests(ring, token)
      const row = {
        id: newId(),
        org_id: a.id,
        name: 'forged',
        digest,
        hint,
        target_ids: [],
        models: [],
        created_at: new Date(),
        expires_at: null,
        revoked_at: null,
      }
      expect(
        await attempt(
          `INSERT INTO virtual_keys VALUES ('${row.id}', '${a.id}', 'forged', ${hex(digest)}, '${hint}', '{}', '{}', '${row.created_at.toISOString()}', NULL, NULL, ${hex(rowMac(ring, 'virtual_keys', row))})`,
          { token },
        ),
      ).toEqual(refused('virtual_key_unknown', false))
    })
  })
})
