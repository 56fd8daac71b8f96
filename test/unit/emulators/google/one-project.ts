import { sign } from 'node:crypto'
import { KeyManagementServiceClient } from '@google-cloud/kms'
import { credentials, Metadata } from '@grpc/grpc-js'
import { GoogleAuth, PassThroughClient } from 'google-auth-library'
import { startGoogleEmulator, type GoogleEmulatorOptions } from '#emulators/google/google-emulator.ts'
import type { ServiceAccountKeyFile } from '#emulators/google/tokens/service-accounts.ts'
import type { AnyJson } from '../../../support/running-hasp.ts'

export type Reply = Readonly<{ status: number; body: AnyJson }>
export type Rest = (
  verb: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Reply>

export const ENCRYPTER_DECRYPTER = 'roles/cloudkms.cryptoKeyEncrypterDecrypter'

/** A project with a key, its owner, and a service account that has been granted nothing; over REST and over gRPC. */
export async function startOneProject(options: GoogleEmulatorOptions = {}) {
  await using stack = new AsyncDisposableStack()
  const emulator = stack.use(await startGoogleEmulator(options))
  const { control } = emulator
  const { ownerToken, projectNumber } = control.createProject({ projectId: 'acme-prod' })
  const account = control.createServiceAccount({ projectId: 'acme-prod', name: 'stranger' })
  const { keyName } = control.createKey({ projectId: 'acme-prod', cryptoKey: 'kek', keyRing: 'ring' })
  const restAs =
    (token: string): Rest =>
    async (verb, path, body, headers = {}) => {
      const reply = await fetch(`${emulator.url}/v1/${path}`, {
        method: verb,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return { status: reply.status, body: await reply.json() }
    }
  /** Google's own client, in every respect but its token and its trust. */
  const connect = (token: string): KeyManagementServiceClient => {
    const [servicePath = '', port] = emulator.grpcEndpoint.split(':')
    const bearer = credentials.createFromMetadataGenerator((_, done) => {
      const metadata = new Metadata()
      metadata.set('authorization', `Bearer ${token}`)
      done(null, metadata)
    })
    return new KeyManagementServiceClient({
      servicePath,
      port: Number(port),
      auth: new GoogleAuth({ authClient: new PassThroughClient() }),
      sslCreds: credentials.combineChannelCredentials(
        credentials.createSsl(Buffer.from(emulator.ca)),
        bearer,
      ),
    })
  }
  const owned = stack.move()
  return {
    emulator,
    control,
    owner: restAs(ownerToken),
    ownerToken,
    projectNumber,
    account,
    keyName,
    versionName: `${keyName}/cryptoKeyVersions/1`,
    restAs,
    grpcAs: (token: string) => {
      const client = connect(token)
      owned.defer(() => client.close())
      return client
    },
    /** The stranger’s own login. */
    strangerToken: async () => (await redeem(emulator.url, assertionOf(account.keyFile))).body.access_token,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** A service account's signed assertion (RFC 7523), with `change` made to its claims. */
export function assertionOf(
  keyFile: ServiceAccountKeyFile,
  change: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): string {
  const nowS = Math.floor(Date.now() / 1000)
  const claims = {
    iss: keyFile.client_email,
    scope: 'https://www.googleapis.com/auth/cloudkms',
    aud: 'https://oauth2.googleapis.com/token',
    iat: nowS,
    exp: nowS + 3600,
    ...change,
  }
  const signed = [{ alg: 'RS256', typ: 'JWT', kid: keyFile.private_key_id, ...header }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${signed}.${sign('sha256', Buffer.from(signed), keyFile.private_key).toString('base64url')}`
}

export async function redeem(url: string, assertion: string): Promise<Reply> {
  return post(`${url}/token`, { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion })
}

export async function exchange(url: string, provider: string, subjectToken: string): Promise<Reply> {
  return post(`${url}/v1/token`, {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience: `//iam.googleapis.com/${provider}`,
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token: subjectToken,
  })
}

async function post(url: string, form: Record<string, string>): Promise<Reply> {
  const reply = await fetch(url, { method: 'POST', body: new URLSearchParams(form) })
  return { status: reply.status, body: await reply.json() }
}
