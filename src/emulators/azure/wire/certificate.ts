import { generate } from 'selfsigned'

export type EmulatorCertificate = Readonly<{ privateKey: string; cert: string }>

/** Every name that Azure's clouds go by, for one process that stands in for all of them. */
const HOSTS = [
  'localhost',
  'login.microsoftonline.com',
  'login.chinacloudapi.cn',
  'login.microsoftonline.us',
  ...['azure.net', 'azure.cn', 'usgovcloudapi.net'].flatMap((domain) => [
    `*.vault.${domain}`,
    `*.managedhsm.${domain}`,
  ]),
]
const LIFETIME_MS = 7 * 86_400_000

/** A new certificate for all of Azure's hosts, its own CA: only a client that is told to trusts it. PEM. */
export async function createEmulatorCertificate(): Promise<EmulatorCertificate> {
  const made = await generate([{ name: 'commonName', value: 'Azure emulator' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - 86_400_000),
    notAfterDate: new Date(Date.now() + LIFETIME_MS),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...HOSTS.map((value) => ({ type: 2 as const, value })),
          { type: 7 as const, ip: '127.0.0.1' },
        ],
      },
    ],
  })
  return { privateKey: made.private, cert: made.cert }
}
