import { describe, expect, it } from 'vitest'
import { confirm } from '#cli/terminal/confirm.ts'
import { scriptIo } from './scripted-io.ts'

describe('confirming what can not be undone', () => {
  it.each(['y', 'Y', 'yes', ' yes '])('goes on at the answer %j', async (answer) => {
    const io = scriptIo({ isTTY: true })
    io.stdin.write(`${answer}\n`)
    await confirm(io, {}, 'Erase it.')
    expect(io.err()).toContain('Erase it. Continue? [y/N]')
    expect(io.out()).toBe('')
  })

  it.each(['', 'n', 'no', 'yesterday', 'ja'])('changes nothing at the answer %j', async (answer) => {
    const io = scriptIo({ isTTY: true })
    io.stdin.write(`${answer}\n`)
    await expect(confirm(io, {}, 'Erase it.')).rejects.toMatchObject({ code: 'not_confirmed', exitCode: 1 })
  })

  it('changes nothing when the input ends', async () => {
    const io = scriptIo({ isTTY: true })
    io.stdin.end()
    await expect(confirm(io, {}, 'Erase it.')).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('is misuse without --yes where nobody can be asked, even when yes comes through a pipe', async () => {
    const io = scriptIo()
    io.stdin.write('yes\n')
    await expect(confirm(io, {}, 'Erase it.')).rejects.toMatchObject({
      code: 'confirmation_needed',
      exitCode: 2,
      hint: 'Add --yes to confirm.',
    })
  })

  it('asks nobody with --yes', async () => {
    const io = scriptIo({ isTTY: true })
    await confirm(io, { yes: true }, 'Erase it.')
    expect(io.err()).toBe('')
  })
})
