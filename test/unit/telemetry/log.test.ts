import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createLog } from '#telemetry/log.ts'

function logged(write: (log: ReturnType<typeof createLog>) => void, level = 'trace') {
  const lines: string[] = []
  const sink = new Writable({
    write(chunk: Buffer, _, done) {
      lines.push(chunk.toString())
      done()
    },
  })
  write(createLog(level, sink))
  return lines.join('')
}

describe('the service log', () => {
  it('says of an error what it is and where, and nothing that hangs on it', () => {
    const error = Object.assign(new Error('broke', { cause: new Error('secret cause') }), {
      code: 'E_BROKE',
      config: { headers: { authorization: 'secret header' } },
      request: 'secret request',
    })
    const text = logged((log) => log.error({ err: error }, 'it failed'))
    expect(JSON.parse(text)).toMatchObject({
      level: 'error',
      msg: 'it failed',
      err: { type: 'Error', code: 'E_BROKE', message: 'broke' },
    })
    expect(text).not.toContain('secret')
  })

  it.each(['authorization', 'token', 'credential', 'password', 'headers', 'req', 'res'])(
    'cuts out whatever is called %s',
    (name) => {
      const text = logged((log) => {
        log.info({ [name]: 'secret' }, 'x')
        if (!['headers', 'req', 'res'].includes(name)) log.info({ inside: { [name]: 'secret' } }, 'x')
      })
      expect(text).toContain('[redacted]')
      expect(text).not.toContain('secret')
    },
  )

  it('takes whatever is thrown', () => {
    expect(JSON.parse(logged((log) => log.error({ err: 'secret' }, 'x'))).err).toEqual({ type: 'string' })
  })

  it('keeps quiet below its level', () => {
    expect(logged((log) => log.info('x'), 'warn')).toBe('')
  })
})
