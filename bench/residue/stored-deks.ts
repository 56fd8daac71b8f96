import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms'
import { Client } from 'pg'
import { startEmbeddedPostgres } from '#db/embedded-postgres.ts'
import { connectAwsEmulator } from '#emulators/aws/control/control-client.ts'
import { contextFields } from '#envelope/aad.ts'
import type { EncryptionContext } from '#envelope/encryption-context.ts'
import { decodeEnvelope } from '#envelope/format-v1.ts'
import { deriveRecordKey } from '#envelope/record-key.ts'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import { canaryContext } from '#keks/canary.ts'
import { credentialContext } from '#targets/seal-credential.ts'
import type { Secret } from './secret-forms.ts'

type SealedRow = Readonly<{ name: string; sealed: Buffer; context: EncryptionContext }>

/** Unwraps as somebody in the customer's own account would. */
type CustomersKms = Readonly<{ keyArn: string; client: KMSClient }>

/**
 * The DEK of every stored credential and canary, and the record key that Hasp derives from it: read from Hasp's
 * database, and unwrapped by the customer without Hasp.
 */
export async function readStoredDeks(
  dataDir: string,
  emulatorUrl: string,
  keyArn: string,
): Promise<Secret[]> {
  const kms = { keyArn, client: await kmsOfCustomer(emulatorUrl, keyArn) }
  const rows = await readSealedRows(dataDir)
  const secrets = await Promise.all(rows.map((row) => dekAndRecordKey(kms, row)))
  return secrets.flat()
}

async function kmsOfCustomer(emulatorUrl: string, keyArn: string): Promise<KMSClient> {
  const [, , , region = '', accountId = ''] = keyArn.split(':')
  const allowed = { Effect: 'Allow', Action: 'kms:Decrypt', Resource: keyArn }
  const { accessKey } = await connectAwsEmulator(emulatorUrl)('create-user', {
    accountId,
    name: 'auditor',
    policies: [{ Version: '2012-10-17', Statement: [allowed] }],
  })
  return new KMSClient({ region, endpoint: emulatorUrl, credentials: accessKey })
}

async function readSealedRows(dataDir: string): Promise<SealedRow[]> {
  await using postgres = await startEmbeddedPostgres({ dataDir })
  const client = new Client(postgres.connection)
  await client.connect()
  try {
    // The columns' types are those of migrations/0001-foundation.ts.
    const credentials = await client.query<CredentialRow>(
      `SELECT c.sealed, c.kek_id, c.generation, t.id, t.org_id, t.name, t.provider, t.environment
       FROM credentials c JOIN targets t ON t.id = c.target_id`,
    )
    const keks = await client.query<{ id: string; org_id: string; canary: Buffer }>(
      'SELECT id, org_id, canary FROM keks WHERE canary IS NOT NULL',
    )
    return [
      ...credentials.rows.map(sealedCredential),
      ...keks.rows.map(({ id, org_id, canary }) => ({
        name: 'canary',
        sealed: canary,
        context: canaryContext({ id, orgId: org_id }),
      })),
    ]
  } finally {
    await client.end()
  }
}

type CredentialRow = {
  sealed: Buffer
  kek_id: string
  generation: string
  id: string
  org_id: string
  name: string
  provider: string
  environment: string
}

function sealedCredential(row: CredentialRow): SealedRow {
  const { id, org_id: orgId, name, provider, environment, sealed } = row
  const generation = Number(row.generation)
  const context = credentialContext({ id, orgId, provider, environment }, { kekId: row.kek_id, generation })
  return { name: `${name} v${generation}`, sealed, context }
}

async function dekAndRecordKey({ keyArn, client }: CustomersKms, row: SealedRow): Promise<Secret[]> {
  const { name, sealed, context } = row
  const envelope = decodeEnvelope(sealed)
  const { Plaintext = new Uint8Array() } = await client.send(
    new DecryptCommand({
      KeyId: keyArn,
      CiphertextBlob: envelope.wrapped.bytes,
      EncryptionContext: contextFields(context),
    }),
  )
  const bytes = Buffer.from(Plaintext)
  using dek = SecretBytes.take(Buffer.from(Plaintext))
  const recordKey = deriveRecordKey({ dek, envelope, context }).unsafeAeadKey().export()
  return [
    { name: `DEK of ${name}`, kind: 'dek', bytes },
    { name: `record key of ${name}`, kind: 'record-key', bytes: recordKey },
  ]
}
