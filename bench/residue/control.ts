import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { startMockProvider } from '../hasp/start-mock-provider.ts'
import { randomCredential } from './credentials.ts'
import { scanProcess } from './scan-process.ts'

const script = new URL('secret-holder.ts', import.meta.url).pathname
const requests = 200
const encodings = ['plain', 'utf-16le', 'hex', 'HEX', 'base64+0', 'base64+1', 'base64+2'] as const

/** How many whole copies the scan found in a process that holds the secret for certain, by encoding. */
export type Control = Readonly<{ copies: Readonly<Record<string, number>>; isPassed: boolean }>

/** Looks through a process that keeps its credential as a string: a scan that finds nothing there proves nothing. */
export async function runControl(): Promise<Control> {
  await using stack = new AsyncDisposableStack()
  const credential = randomCredential('sk-')
  const { origin } = await startMockProvider(stack, {
    name: 'openai',
    acceptedCredentials: [credential],
    chunkDelayMs: 0,
    tls: null,
  })
  const child = spawn(process.execPath, [script, origin, String(requests)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  stack.defer(() => void child.kill())
  child.stdin.end(credential)
  await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error('The control has ended early.'))),
  ])
  const secret = { name: 'control', kind: 'credential', bytes: Buffer.from(credential) } as const
  const { findings } = await scanProcess(child.pid ?? 0, [secret])
  const copies = Object.fromEntries(
    encodings.map((encoding) => [
      encoding,
      findings.filter((finding) => finding.part === 'whole' && finding.encoding === encoding).length,
    ]),
  )
  // Two to three copies a request were measured of a header string; other encodings are there once.
  const isPassed = Object.values(copies).every((count) => count > 0) && (copies['plain'] ?? 0) > requests / 4
  return { copies, isPassed }
}
