import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { SecretRing } from '#integrity/secret-ring.ts'
import { isWellFormedToken, mintToken, tokenDigests } from '#integrity/token.ts'

describe('a minted token', () => {
  it.each(['hasp_vk', 'hasp_admin'] as const)('of %s has its shape and passes its own checksum', (prefix) => {
    for (let n = 0; n < 200; n++) {
      const { token, hint } = mintToken(prefix)
      expect(token).toMatch(new RegExp(`^${prefix}_[0-9A-Za-z]{49}$`))
      expect(isWellFormedToken(prefix, token)).toBe(true)
      expect(hint).toBe(`${token.slice(0, prefix.length + 5)}…${token.slice(-4)}`)
    }
  })

  it('is never minted twice', () => {
    expect(new Set(Array.from({ length: 1000 }, () => mintToken('hasp_vk').token)).size).toBe(1000)
  })

  it('is refused after any single-character mistake, in another case, or as another kind', () => {
    const { token } = mintToken('hasp_vk')
    for (let at = 0; at < token.length; at++) {
      const wrong = token.charAt(at) === 'x' ? 'y' : 'x'
      expect(isWellFormedToken('hasp_vk', token.slice(0, at) + wrong + token.slice(at + 1))).toBe(false)
    }
    expect(isWellFormedToken('hasp_admin', token)).toBe(false)
    expect(isWellFormedToken('hasp_admin', token.replace('hasp_vk', 'hasp_admin'))).toBe(false)
    for (const text of ['', 'hasp_vk_', `${token} `, ` ${token}`, token.slice(0, -1), `${token}\n`]) {
      expect(isWellFormedToken('hasp_vk', text)).toBe(false)
    }
  })
})

describe('the digests of a token', () => {
  const [old, fresh] = [randomBytes(32), randomBytes(32)]
  const { token } = mintToken('hasp_vk')

  it('are the current one first, then the previous one', () => {
    const [current, previous, ...rest] = tokenDigests(
      new SecretRing({ current: fresh, previous: old }),
      token,
    )
    expect([current]).toEqual(tokenDigests(new SecretRing({ current: fresh }), token))
    expect([previous]).toEqual(tokenDigests(new SecretRing({ current: old }), token))
    expect(rest).toEqual([])
    expect(current).toHaveLength(32)
  })

  it('differ between tokens', () => {
    const ring = new SecretRing({ current: fresh })
    expect(tokenDigests(ring, mintToken('hasp_vk').token)).not.toEqual(tokenDigests(ring, token))
  })
})
