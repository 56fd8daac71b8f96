import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { EncryptionContext } from '#envelope/encryption-context.ts'
import { generateDek } from '#envelope/record-key.ts'
import { type EmulatedCustomer, startEmulatedCustomer } from './emulated-customer.ts'

const CONTEXT: EncryptionContext = {
  org: 'o',
  record: 'r',
  purpose: 'canary',
  provider: 'none',
  environment: 'none',
  kek: 'k',
  generation: 1,
}

let customer: EmulatedCustomer
beforeAll(async () => {
  // Before the SDK is loaded, which is when it is read.
  vi.stubEnv('GOOGLE_SDK_NODE_LOGGING', '*')
  customer = await startEmulatedCustomer()
})
afterAll(() => customer[Symbol.asyncDispose]())

it('shows the SDK’s own log no DEK, even when somebody switches it on', async () => {
  const lines: string[] = []
  const collect = (chunk: string | Uint8Array) => {
    lines.push(Buffer.from(chunk).toString('latin1'))
    return true
  }
  const spies = [
    vi.spyOn(process.stderr, 'write').mockImplementation(collect),
    vi.spyOn(process.stdout, 'write').mockImplementation(collect),
    vi.spyOn(console, 'error').mockImplementation((...all: unknown[]) => void collect(all.join(' '))),
    vi.spyOn(console, 'log').mockImplementation((...all: unknown[]) => void collect(all.join(' '))),
  ]
  using dek = generateDek()
  const provider = customer.provider('service-account')
  const { wrappedDek } = await provider.wrap(dek, CONTEXT)
  const unwrapped = await provider.unwrap(wrappedDek, CONTEXT)
  unwrapped.dek[Symbol.dispose]()
  for (const spy of spies) spy.mockRestore()
  const shown = lines.join('\n')
  const bytes = dek.unsafeBytes()
  for (const form of [
    bytes.toString('base64').slice(0, 40),
    bytes.toString('hex'),
    bytes.toString('hex', 0, 8).replaceAll(/(..)(?=.)/g, '$1 '),
    [...bytes.subarray(0, 8)].join(','),
    [...bytes.subarray(0, 8)].join(', '),
  ]) {
    expect(shown.includes(form)).toBe(false)
  }
  // The switch was on: the login was logged.
  expect(shown).toContain('oauth2.googleapis.com')
})
