import { describe, expect, it } from 'vitest'
import { Refusal } from '#proxy/refusal.ts'
import { checkRequestHead } from '#proxy/request-head.ts'
import { findVirtualKey } from '#proxy/virtual-key-header.ts'

const token = 'hasp_vk_0123456789abcdefghijABCDEFGHIJ'
const other = 'hasp_vk_9876543210abcdefghijABCDEFGHIJ'
const foreign = 'sk-proj-0123456789abcdef'

function refusalOf(rawHeaders: string[]): Refusal {
  try {
    findVirtualKey(checkRequestHead(rawHeaders).headers)
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  throw new Error('accepted')
}

describe('the virtual key of a request', () => {
  it.each([
    ['Authorization', `Bearer ${token}`],
    ['authorization', `bearer   ${token} `],
    ['AUTHORIZATION', `BEARER ${token}`],
    ['Authorization', token],
    ['X-Api-Key', token],
    ['api-key', token],
    ['x-goog-api-key', token],
    ['X-Hasp-Key', ` ${token}`],
  ])('is found in %s: %s', (name, value) => {
    expect(
      findVirtualKey(checkRequestHead(['Host', 'localhost', name, value, 'accept', '*/*']).headers),
    ).toBe(token)
  })

  it('may come twice, and beside a credential that is not ours', () => {
    expect(findVirtualKey(['x-api-key', token, 'authorization', `Bearer ${token}`])).toBe(token)
    expect(findVirtualKey(['authorization', 'AWS4-HMAC-SHA256 Credential=x', 'x-hasp-key', token])).toBe(
      token,
    )
    expect(findVirtualKey(['x-api-key', token, 'authorization', `Bearer ${foreign}`])).toBe(token)
  })

  it('is told apart from an admin token, which is not called disclosed to a provider, nor repeated', () => {
    const adminToken = 'hasp_admin_0123456789abcdefghijABCDEFGHIJ'
    const refusal = refusalOf(['authorization', `Bearer ${adminToken}`])
    expect(refusal.code).toBe('virtual_key_not_ours')
    expect(refusal.message).toMatch(/^An admin token of Hasp was sent.*hasp_vk_/)
    expect(refusal.message).not.toContain(adminToken)
    expect(findVirtualKey(['authorization', `Bearer ${adminToken}`, 'x-api-key', token])).toBe(token)
  })

  it('is missing where no header carries a credential', () => {
    for (const headers of [
      [],
      ['accept', token],
      ['cookie', `k=${token}`],
      ['x-api-key', ''],
      ['authorization', 'Bearer '],
    ]) {
      expect(refusalOf(headers).code).toBe('virtual_key_missing')
    }
  })

  it('is ambiguous where two differ, in two headers or in one that comes twice', () => {
    expect(refusalOf(['x-api-key', token, 'authorization', `Bearer ${other}`]).code).toBe(
      'virtual_key_ambiguous',
    )
    expect(refusalOf(['x-api-key', token, 'x-api-key', other]).code).toBe('virtual_key_ambiguous')
  })

  it.each([
    `Bearer ${foreign}`,
    `Basic ${Buffer.from(`u:${token}`).toString('base64')}`,
    `Bearer ${token}, Bearer ${other}`,
    `Bearer "${token}"`,
    `Bearer${token}`,
    'Bearer hasp_vk_',
    `Bearer HASP_VK_${token.slice(8)}`,
    `Bearer hasp_vk_${'a'.repeat(200)}`,
    `Bearer ${token}\u00e9`,
  ])('is not what %s carries, and the answer does not repeat it', (value) => {
    const refusal = refusalOf(['authorization', value])
    expect(refusal.code).toBe('virtual_key_not_ours')
    expect(JSON.stringify([refusal.message, refusal.stack])).not.toContain(value.slice(-12))
  })
})
