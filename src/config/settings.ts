import {
  boolean,
  databaseUrl,
  guid,
  hostAndPort,
  httpsOrigin,
  httpUrl,
  integer,
  oneOf,
  origins,
  rootSecret,
  text,
} from './parsers.ts'

/** One environment variable: how it reads, what it defaults to, and the sentence that the docs carry. */
type Setting<Value> = Readonly<{
  variable: string
  /** Shown in docs and in the error for a bad value. */
  expects: string
  fallback: Value
  /** Returns undefined when the text does not fit. */
  parse: (text: string) => Value | undefined
  meaning: string
  /** A secret is never printed, not even when it is wrong. */
  isSecret?: boolean
}>

function setting<Value>(definition: Setting<Value>): Setting<Value> {
  return definition
}

/** Every setting there is. docs/configuration.md holds the same table, and a test compares the two. */
export const settings = {
  port: setting({
    variable: 'HASP_PORT',
    expects: 'a port from 0 to 65535 (0 takes a free one)',
    fallback: 4700,
    parse: integer(0, 65535),
    meaning: 'Port to listen on.',
  }),
  host: setting({
    variable: 'HASP_HOST',
    expects: 'an address or host name',
    fallback: '127.0.0.1',
    parse: text(255),
    meaning: 'Address to listen on. Put a TLS terminator in front before you listen beyond this machine.',
  }),
  dataDir: setting({
    variable: 'HASP_DATA_DIR',
    expects: 'a directory path',
    fallback: '.hasp',
    parse: text(4096),
    meaning: 'Where Hasp keeps its own PostgreSQL, its root secret and local KEKs.',
  }),
  databaseUrl: setting<string | undefined>({
    variable: 'DATABASE_URL',
    expects: 'postgres://user:password@host:port/database',
    fallback: undefined,
    parse: databaseUrl,
    meaning: 'The PostgreSQL to use. Without it Hasp starts its own in HASP_DATA_DIR.',
    isSecret: true,
  }),
  databasePoolMax: setting({
    variable: 'HASP_DATABASE_POOL_MAX',
    expects: 'an integer from 4 to 200',
    fallback: 10,
    parse: integer(4, 200),
    meaning:
      'Most connections to PostgreSQL for its work; up to fifteen more are kept apart for receipts, tokens, jobs and notices.',
  }),
  rootSecret: setting<string | undefined>({
    variable: 'HASP_ROOT_SECRET',
    expects: 'at least 32 random bytes in base64',
    fallback: undefined,
    parse: rootSecret,
    meaning:
      'Root of the keys that authenticate rows and tokens; the same on every node. Without it Hasp makes one in HASP_DATA_DIR/root-secret.',
    isSecret: true,
  }),
  rootSecretPrevious: setting<string | undefined>({
    variable: 'HASP_ROOT_SECRET_PREVIOUS',
    expects: 'at least 32 random bytes in base64',
    fallback: undefined,
    parse: rootSecret,
    meaning: 'The root secret before the last rotation: still accepted, never used for anything new.',
    isSecret: true,
  }),
  publicUrl: setting<string | undefined>({
    variable: 'HASP_PUBLIC_URL',
    expects: 'an http(s) URL',
    fallback: undefined,
    parse: httpUrl,
    meaning:
      'How users reach this service, for the hints that Hasp prints. Defaults to the address it listens on.',
  }),
  logLevel: setting({
    variable: 'HASP_LOG_LEVEL',
    expects: 'trace, debug, info, warn, error or silent',
    fallback: 'info',
    parse: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    meaning: 'Least severe log line to write (JSON, to standard output).',
  }),
  allowedUpstreams: setting<readonly string[]>({
    variable: 'HASP_ALLOWED_UPSTREAMS',
    expects: 'origins such as https://llm.example.com, separated by commas',
    fallback: [],
    parse: origins,
    meaning:
      'Origins beyond the providers’ own that a target’s base URL may name; private addresses are reached only through this list.',
  }),
  allowLocalKek: setting({
    variable: 'HASP_ALLOW_LOCAL_KEK',
    expects: 'true or false',
    fallback: false,
    parse: boolean,
    meaning:
      'Allow KEKs kept in a file on this machine under NODE_ENV=production. A local KEK is not customer-held.',
  }),
  nodeEnv: setting({
    variable: 'NODE_ENV',
    expects: 'production, development or test',
    fallback: 'development',
    parse: oneOf(['production', 'development', 'test']),
    meaning: 'production refuses what is only safe on one developer’s machine.',
  }),
  awsPrincipalArn: setting<string | undefined>({
    variable: 'HASP_AWS_PRINCIPAL_ARN',
    expects: 'an ARN of a role or user',
    fallback: undefined,
    parse: (value) => (/^arn:aws[a-z-]*:(iam|sts)::\d{12}:[\w+=,.@/-]+$/.test(value) ? value : undefined),
    meaning:
      'The AWS principal that Hasp runs as, to be named in the policies that customers are asked to grant.',
  }),
  awsKmsEndpoint: setting<string | undefined>({
    variable: 'AWS_ENDPOINT_URL_KMS',
    expects: 'an http(s) URL',
    fallback: undefined,
    parse: httpUrl,
    meaning: 'Use this in place of AWS’s own KMS endpoints (an emulator, LocalStack, a VPC endpoint).',
  }),
  awsStsEndpoint: setting<string | undefined>({
    variable: 'AWS_ENDPOINT_URL_STS',
    expects: 'an http(s) URL',
    fallback: undefined,
    parse: httpUrl,
    meaning: 'Use this in place of AWS’s own STS endpoints.',
  }),
  gcpCredentialsFile: setting<string | undefined>({
    variable: 'HASP_GCP_CREDENTIALS_FILE',
    expects: 'a path',
    fallback: undefined,
    parse: text(4096),
    meaning:
      'The JSON key of the Google service account that Hasp runs as. Without it Google’s Application Default Credentials.',
  }),
  gcpServiceAccount: setting<string | undefined>({
    variable: 'HASP_GCP_SERVICE_ACCOUNT',
    expects: 'the e-mail address of a service account',
    fallback: undefined,
    parse: (value) => (/^[a-z0-9.-]+@[a-z0-9.:-]+\.gserviceaccount\.com$/.test(value) ? value : undefined),
    meaning:
      'The Google service account that Hasp runs as, to be named in what customers are asked to grant.',
  }),
  gcpServiceAccountId: setting<string | undefined>({
    variable: 'HASP_GCP_SERVICE_ACCOUNT_ID',
    expects: 'the unique id of a service account (digits)',
    fallback: undefined,
    parse: (value) => (/^\d{10,30}$/.test(value) ? value : undefined),
    meaning: 'The unique id of that service account, which customers’ identity pools let in.',
  }),
  gcpKmsEndpoint: setting<string | undefined>({
    variable: 'HASP_GCP_KMS_ENDPOINT',
    expects: 'host or host:port',
    fallback: undefined,
    parse: (value) => (/^[a-z0-9.-]+(?::\d{1,5})?$/i.test(value) ? value : undefined),
    meaning:
      'Use this in place of Google’s own KMS endpoint (an emulator, Private Service Connect): gRPC over TLS.',
  }),
  gcpRegionalEndpoints: setting({
    variable: 'HASP_GCP_REGIONAL_ENDPOINTS',
    expects: 'true or false',
    fallback: false,
    parse: boolean,
    meaning: 'Ask Google KMS at the endpoint of each key’s own location rather than at the global one.',
  }),
  gcpUniverseDomain: setting<string | undefined>({
    variable: 'HASP_GCP_UNIVERSE_DOMAIN',
    expects: 'a domain name',
    fallback: undefined,
    parse: (value) => (/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(value) ? value : undefined),
    meaning: 'The domain of Google’s services in a sovereign cloud. Defaults to googleapis.com.',
  }),
  gcpAuthEndpoint: setting<string | undefined>({
    variable: 'HASP_GCP_AUTH_ENDPOINT',
    expects: 'an http(s) URL',
    fallback: undefined,
    parse: httpUrl,
    meaning: 'Use this in place of Google’s own token services (an emulator).',
  }),
  gcpCaFile: setting<string | undefined>({
    variable: 'HASP_GCP_CA_FILE',
    expects: 'a path',
    fallback: undefined,
    parse: text(4096),
    meaning: 'PEM certificates to trust for Google KMS in place of the system’s (an emulator).',
  }),
  azureCloud: setting<'public' | 'china' | 'us-government'>({
    variable: 'HASP_AZURE_CLOUD',
    expects: 'public, china or us-government',
    fallback: 'public',
    parse: oneOf(['public', 'china', 'us-government']),
    meaning:
      'The Azure cloud that Hasp’s application is registered in; keys of other Azure clouds are refused.',
  }),
  azureClientId: setting<string | undefined>({
    variable: 'HASP_AZURE_CLIENT_ID',
    expects: 'a GUID',
    fallback: undefined,
    parse: guid,
    meaning: 'The multi-tenant application that Hasp is in Azure, to which customers consent.',
  }),
  azureTenantId: setting<string | undefined>({
    variable: 'HASP_AZURE_TENANT_ID',
    expects: 'a GUID',
    fallback: undefined,
    parse: guid,
    meaning:
      'The home tenant of that application: asked before a customer’s “unknown application” is taken for withdrawn consent.',
  }),
  azureFederatedTokenFile: setting<string | undefined>({
    variable: 'HASP_AZURE_FEDERATED_TOKEN_FILE',
    expects: 'a file path',
    fallback: undefined,
    parse: text(4096),
    meaning:
      'The token by which the application proves itself (workload identity: a federated credential, no secret). Read again for each new token.',
  }),
  azureClientSecretFile: setting<string | undefined>({
    variable: 'HASP_AZURE_CLIENT_SECRET_FILE',
    expects: 'a file path',
    fallback: undefined,
    parse: text(4096),
    meaning: 'The application’s client secret, where there is no federated token.',
  }),
  azureAuthorityHost: setting<string | undefined>({
    variable: 'HASP_AZURE_AUTHORITY_HOST',
    expects: 'an https origin',
    fallback: undefined,
    parse: httpsOrigin,
    meaning: 'Get tokens here in place of the cloud’s own authority.',
  }),
  azureConnectTo: setting<{ host: string; port: number } | undefined>({
    variable: 'HASP_AZURE_CONNECT_TO',
    expects: 'host:port',
    fallback: undefined,
    parse: hostAndPort,
    meaning:
      'Connect here for every host of Azure’s, which is still asked for by its own name and must show its certificate (an emulator, a gateway).',
  }),
  azureCaFile: setting<string | undefined>({
    variable: 'HASP_AZURE_CA_FILE',
    expects: 'a file path',
    fallback: undefined,
    parse: text(4096),
    meaning: 'Certificate authorities (PEM) that Azure’s hosts are trusted by, in place of the system’s.',
  }),
  bodyBytesMax: setting({
    variable: 'HASP_BODY_BYTES_MAX',
    expects: 'bytes, from 1024 to 33554432',
    fallback: 33_554_432,
    parse: integer(1024, 33_554_432),
    meaning: 'Largest request body that the proxy takes.',
  }),
  bodyBytesInFlightMax: setting({
    variable: 'HASP_BODY_BYTES_IN_FLIGHT_MAX',
    expects: 'bytes, from 33554432 to 17179869184',
    fallback: 1_073_741_824,
    parse: integer(33_554_432, 17_179_869_184),
    meaning: 'Request bodies held in memory at once, in sum; beyond it callers get 503.',
  }),
  streamsMax: setting({
    variable: 'HASP_STREAMS_MAX',
    expects: 'an integer from 1 to 100000',
    fallback: 4096,
    parse: integer(1, 100_000),
    meaning: 'Proxied requests under way at once, in sum; beyond it callers get 503.',
  }),
  organisationShare: setting({
    variable: 'HASP_ORGANISATION_SHARE',
    expects: 'percent, from 1 to 100',
    fallback: 50,
    parse: integer(1, 100),
    meaning:
      'The part of HASP_STREAMS_MAX and of HASP_BODY_BYTES_IN_FLIGHT_MAX that one organisation may take; beyond it its callers get 429. 100 where one organisation has this Hasp to itself.',
  }),
  upstreamHeadersTimeoutMs: setting({
    variable: 'HASP_UPSTREAM_HEADERS_TIMEOUT_MS',
    expects: 'milliseconds, from 1000 to 3600000',
    fallback: 600_000,
    parse: integer(1000, 3_600_000),
    meaning: 'How long a provider may take to begin its answer.',
  }),
  upstreamIdleTimeoutMs: setting({
    variable: 'HASP_UPSTREAM_IDLE_TIMEOUT_MS',
    expects: 'milliseconds, from 1000 to 3600000',
    fallback: 300_000,
    parse: integer(1000, 3_600_000),
    meaning: 'How long a provider may fall silent within an answer.',
  }),
  suspendedProbeIntervalMs: setting({
    variable: 'HASP_SUSPENDED_PROBE_INTERVAL_MS',
    expects: 'milliseconds, from 100 to 3600000',
    fallback: 15_000,
    parse: integer(100, 3_600_000),
    meaning: 'How often a suspended KEK is asked whether it works again.',
  }),
  reverifyIntervalMs: setting({
    variable: 'HASP_REVERIFY_INTERVAL_MS',
    expects: 'milliseconds, from 0 to 2592000000 (0 turns it off)',
    fallback: 86_400_000,
    parse: integer(0, 2_592_000_000),
    meaning:
      'How often the grant of each active KEK is verified again and searched for rights that Hasp should not have.',
  }),
  lifecycleJobsMax: setting({
    variable: 'HASP_LIFECYCLE_JOBS_MAX',
    expects: 'an integer from 0 to 16',
    fallback: 2,
    parse: integer(0, 16),
    meaning:
      'How many lifecycle jobs (rewrap, move, re-encrypt) this process carries out at once; 0 leaves them to others.',
  }),
  drainTimeoutMs: setting({
    variable: 'HASP_DRAIN_TIMEOUT_MS',
    expects: 'milliseconds, from 0 to 3600000',
    fallback: 30_000,
    parse: integer(0, 3_600_000),
    meaning: 'How long a graceful stop waits for requests under way before it cuts them.',
  }),
} as const

export type SettingName = keyof typeof settings
export type SettingValue<Name extends SettingName> =
  (typeof settings)[Name] extends Setting<infer Value> ? Value : never
