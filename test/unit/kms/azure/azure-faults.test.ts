import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { azureFaultFixtures, TELLTALE } from './fault-fixtures.ts'

describe('judging what Azure answers', () => {
  it.each(azureFaultFixtures.map((fixture) => [fixture.name, fixture] as const))('%s', (_, fixture) => {
    const fault = fixture.faultOf()
    expect(fault.kind).toBe(fixture.expected)
    expect(fault.message).not.toBe('')
    expect(fault.code).toMatch(/^[\w -]{1,64}$/)
  })

  it.each(azureFaultFixtures.map((fixture) => [fixture.name, fixture] as const))(
    'lets nothing of Azure’s own text out: %s',
    (_, fixture) => {
      const fault = fixture.faultOf()
      const shown = `${inspect(fault, { depth: 9, showHidden: true })} ${JSON.stringify(fault)}`
      for (const word of TELLTALE.split(/[ ;=]/).filter((part) => part.length > 9)) {
        expect(shown).not.toContain(word)
      }
      expect(fault.cause).toBeUndefined()
    },
  )

  it('says how long Azure asked to wait', () => {
    const throttled = azureFaultFixtures.find(({ name }) => name === 'unwrapKey: 429')
    expect(throttled?.faultOf().retryAfterMs).toBe(7000)
  })

  it('wants a second reading where an answer may mean something else than a revocation', () => {
    const isAmbiguous = (name: string) =>
      azureFaultFixtures.find((fixture) => fixture.name === name)?.faultOf().isAmbiguous
    expect(isAmbiguous('unwrapKey: 403 of an unknown kind')).toBe(true)
    expect(isAmbiguous('unwrapKey: 404 of another kind')).toBe(true)
    expect(isAmbiguous('token: AADSTS700016')).toBe(true)
    expect(isAmbiguous('unwrapKey: 403 KeyDisabled')).toBe(false)
    expect(isAmbiguous('token: AADSTS65001')).toBe(false)
  })

  it('has every code of its fixtures in the table of docs/kms-azure.md', () => {
    const page = readFileSync(new URL('../../../../docs/kms-azure.md', import.meta.url), 'utf8')
    const codes = azureFaultFixtures
      .filter(({ name }) => /: (4\d\d [A-Z]\w+$|AADSTS(?!9999))/.test(name))
      .map(({ name }) => / (\w+)$/.exec(name)?.[1] ?? '')
    expect(codes.length).toBeGreaterThan(30)
    expect([...new Set(codes)].filter((code) => !page.includes(code.replace('AADSTS', '')))).toEqual([])
  })
})
