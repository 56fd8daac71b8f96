import { describe, expect, it } from 'vitest'
import { explainDatabase } from '#cli/output/explain-database.ts'

const failure = (message: string, fields: Record<string, string> = {}) =>
  Object.assign(new Error(message), fields)

describe('a database that can not be used', () => {
  it.each([
    [failure('connect ECONNREFUSED 127.0.0.1:1', { code: 'ECONNREFUSED' }), 'is it running?'],
    [failure('getaddrinfo ENOTFOUND nowhere', { code: 'ENOTFOUND' }), 'check its spelling'],
    [failure('connect ENOENT /run/x', { code: 'ENOENT', syscall: 'connect' }), 'no socket'],
    [failure('password authentication failed', { code: '28P01' }), 'the user and the password'],
    [failure('no pg_hba.conf entry', { code: '28000' }), 'sslmode'],
    [failure('permission denied for schema public', { code: '42501' }), 'must own'],
    [failure('self-signed certificate', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'sslrootcert'],
    [failure('The server does not support SSL connections'), 'sslmode'],
    [failure('Connection terminated unexpectedly'), 'check host and port'],
    [failure('timeout expired'), 'check host and port'],
    [failure('', { code: 'ETIMEDOUT' }), 'check host and port'],
  ])('is told with what to change: %s', (error, told) => {
    const explained = explainDatabase(error)
    expect(explained?.message).toMatch(/^the database can not be used: \S/)
    expect(explained?.hint).toContain(told)
  })

  it.each([
    failure("ENOENT: no such file or directory, open 'seed.json'", { code: 'ENOENT', syscall: 'open' }),
    failure('something else'),
  ])('is not blamed for %s', (error) => {
    expect(explainDatabase(error)).toBeUndefined()
  })
})
