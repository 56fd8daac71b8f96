import { describe, expect, it } from 'vitest'
import { refuseRepeatedHeaders } from '#http/repeated-headers.ts'

describe('headers that come twice', () => {
  it.each(['Authorization', 'Idempotency-Key', 'Content-Type', 'Content-Length', 'Host'])(
    'are refused where one decides: %s',
    (name) => {
      expect(() => refuseRepeatedHeaders([name, 'a', 'x', 'y', name.toLowerCase(), 'secret'])).toThrow(
        `The header "${name.toLowerCase()}" comes twice.`,
      )
    },
  )

  it('pass where several lines are one list, and once is fine', () => {
    expect(() =>
      refuseRepeatedHeaders([
        'accept',
        'a',
        'Accept',
        'b',
        'cookie',
        'a',
        'cookie',
        'b',
        'host',
        'x',
        'authorization',
        'y',
      ]),
    ).not.toThrow()
  })
})
