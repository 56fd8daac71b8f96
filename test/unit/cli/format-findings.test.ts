import { describe, expect, it } from 'vitest'
import { formatFindings } from '#cli/kek/format-findings.ts'

const finding = (code: string, severity: 'dangerous' | 'warning' | 'notice', fix: string) => ({
  code,
  severity,
  allows: `Hasp may do ${code}.`,
  fix,
})

describe('findings for people', () => {
  it('come worst first, each with what mends it', () => {
    const text = formatFindings(
      [finding('b', 'notice', 'Prefer a role.'), finding('a', 'dangerous', 'Add the condition.')],
      80,
    )
    expect(text).toBe(
      'DANGEROUS: a\n  Hasp may do a.\n  Add the condition.\n\nWorth knowing: b\n  Hasp may do b.\n  Prefer a role.',
    )
  })

  it('say once what mends several', () => {
    const text = formatFindings(
      [
        finding('a', 'warning', 'Remove it.'),
        finding('b', 'warning', 'Take it away.'),
        finding('c', 'warning', 'Remove it.'),
      ],
      80,
    )
    expect(text.split('Remove it.')).toHaveLength(2)
    expect(text).toMatch(/: a\n[^]*: c\n[^]*Remove it\.\n\n[^]*: b\n/)
  })
})
