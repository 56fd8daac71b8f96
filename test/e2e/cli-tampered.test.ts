import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli, Seen } from '../support/run-cli.ts'
import { startHasp, type RunningHasp } from '../support/running-hasp.ts'

describe('the command line of an organisation in whose database rows were edited', () => {
  let hasp: RunningHasp
  const ids: Record<string, string> = {}
  beforeAll(async () => {
    hasp = await startHasp()
    const made = async (path: string, body: unknown): Promise<string> => {
      const reply = await hasp.api('POST', path, body)
      expect(reply.status).toBe(201)
      return reply.body.id
    }
    const credential = 'sk-0123456789-abcdef'
    ids['main'] = await made('/keks', { name: 'main', provider: 'local' })
    ids['kek'] = await made('/keks', { name: 'edited kek', provider: 'local' })
    expect((await hasp.api('POST', `/keks/${ids['main']}/verify`)).body.isPassed).toBe(true)
    const target = { provider: 'openai', kekId: ids['main'], credential, validate: false }
    ids['target'] = await made('/api-targets', { ...target, name: 'edited target' })
    ids['rotatable'] = await made('/api-targets', { ...target, name: 'edited credential' })
    ids['vkey'] = await made('/virtual-keys', { name: 'edited vkey', targetIds: 'all' })
    ids['token'] = await made('/admin-tokens', { name: 'edited token' })
    const { pool } = hasp.context.database
    const tables = { keks: 'kek', targets: 'target', virtual_keys: 'vkey', admin_tokens: 'token' }
    for (const [table, id] of Object.entries(tables))
      await pool.query(`UPDATE ${table} SET name = 'forged' WHERE id = $1`, [ids[id]])
    await pool.query(`UPDATE credentials SET preview = 'forged' WHERE target_id = $1`, [ids['rotatable']])
  }, 60_000)
  afterAll(() => hasp[Symbol.asyncDispose]())

  const cli = async (...argv: string[]) => {
    const env = { HASP_URL: hasp.url, HASP_TOKEN: hasp.token }
    const { code, stdout, stderr } = await runCli(new Seen(), argv, env)
    expect([code, stderr]).toEqual([0, ''])
    return stdout
  }

  const remedies = [
    ['kek', 'kek retire'],
    ['target', 'target delete'],
    ['vkey', 'vkey revoke'],
    ['token', 'token revoke'],
  ] as const

  it.each(remedies)('lists which %s was tampered with, and what to type', async (noun, command) => {
    const id = ids[noun] ?? ''
    const text = await cli(noun, 'list')
    expect(text).not.toContain('forged')
    expect(text).toMatch(/TAMPERED WITH: 1 .+ was changed in the database, and not by Hasp/)
    expect(text).toMatch(new RegExp(`hasp ${command} ${id}$`, 'm'))
    expect(JSON.parse(await cli(noun, 'list', '--json'))).toMatchObject({ tampered: [{ id }] })
  })

  it('shows a credential that was tampered with, and what to do', async () => {
    expect(await cli('target', 'list')).toMatch(/edited credential .*TAMPERED WITH: rotate it/)
    const shown = await cli('target', 'show', 'edited credential')
    expect(shown).toMatch(/Tampered with +version 1 of the credential/)
    expect(shown).toContain('hasp target rotate')
  })

  it.each(remedies)('ends a tampered %s by its id, which it can not read', async (noun, command) => {
    const id = ids[noun] ?? ''
    const text = await cli(...command.split(' '), id, '--yes')
    expect(text).toMatch(new RegExp(`${id}.+(erased|revoked|deactivated)`))
    expect(text).not.toContain('forged')
    const listed = await cli(noun, 'list', '--json')
    expect(listed).not.toContain('forged')
    expect(JSON.parse(listed).tampered).toEqual([])
  })
})
