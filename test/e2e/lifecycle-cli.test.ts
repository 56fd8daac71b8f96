import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLendingHasp } from '../support/lending-hasp.ts'
import { addAwsKek } from '../support/more-keks.ts'
import { runCli, Seen, startTerminal, type CliResult } from '../support/run-cli.ts'

const seen = new Seen()
let scene: Awaited<ReturnType<typeof startLendingHasp>>
beforeAll(async () => {
  scene = await startLendingHasp()
  await addAwsKek(scene.hasp, scene.surroundings, 'other')
})
afterAll(() => scene[Symbol.asyncDispose]())

const cli = (...argv: string[]): Promise<CliResult> =>
  runCli(seen, argv, { HASP_URL: scene.hasp.url, HASP_TOKEN: scene.hasp.token })
const answer = async (...argv: string[]) => {
  const { code, stdout, stderr } = await cli(...argv, '--json')
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return JSON.parse(stdout)
}

describe('lifecycle jobs on the command line', () => {
  it('move, with lines of progress where nobody is at a terminal, until the job ends', async () => {
    const { code, stdout, stderr } = await cli('kek', 'move', 'main', '--to', 'other')
    expect(stderr).toMatch(/^move {2}\[#{30}\] 100% {2}2\/2 {2}finished$/m)
    expect(stdout).toMatch(/From +main\nTo +other\nState +finished\nRecords +2\/2/)
    expect(code).toBe(0)
  })

  it('rewrap and re-encrypt, and answer one JSON value to machines', async () => {
    expect(await answer('kek', 'rewrap', 'other')).toMatchObject({
      kind: 'rewrap',
      state: 'finished',
      recordsDone: 2,
    })
    const one = await answer('kek', 're-encrypt', '--target', 'openai', '--rate', '5')
    expect(one).toMatchObject({
      kind: 're-encrypt',
      state: 'finished',
      recordsDone: 1,
      recordsPerSecondMax: 5,
    })
  })

  it('start and return with --no-wait; are listed, shown, followed and cancelled', async () => {
    const job = await answer('kek', 'move', 'other', '--to', 'main', '--rate', '1', '--no-wait')
    expect(job).toMatchObject({ kind: 'move', endedAt: null })
    const { items } = await answer('job', 'list', '--kek', 'other')
    expect(items[0].id).toBe(job.id)
    expect((await cli('job', 'list')).stdout).toMatch(/^ID +KIND +FROM +TO +STATE +RECORDS/)
    expect(await answer('job', 'show', job.id, '--follow')).toMatchObject({
      state: 'finished',
      recordsDone: 2,
    })
    const tooLate = await cli('job', 'cancel', job.id, '--yes')
    expect(tooLate.code).toBe(1)
    expect(tooLate.stderr).toContain('This job has ended already')
  })

  it('draw a bar for people at a terminal', async () => {
    const env = { HASP_URL: scene.hasp.url, HASP_TOKEN: scene.hasp.token }
    await using terminal = startTerminal(seen, env)
    terminal.child.stdin.write('bin/hasp kek rewrap main --rate 2; echo "ended: $?"\n')
    await terminal.printed(/\r.\[Krewrap {2}\[#* *\] +\d+% {2}\d\/2 {2}(pending|running)/)
    await terminal.printed(/rewrap {2}\[#{30}\] 100% {2}2\/2 {2}finished\r?\n/)
    await expect(terminal.printed('ended: 0')).resolves.toBeUndefined()
  })

  it('say what is wrong with what was typed', async () => {
    expect((await cli('kek', 'move', 'main')).code).toBe(2)
    expect((await cli('kek', 're-encrypt')).stderr).toContain('neither a KEK nor a target was named')
    const same = await cli('kek', 'move', 'main', '--to', 'main')
    expect(same.code).toBe(1)
    expect(same.stderr).toContain('The records are under this KEK already')
    await answer('kek', 'register', '--provider', 'local', '--name', 'not-proven')
    const early = await cli('kek', 'move', 'main', '--to', 'not-proven')
    expect(early.code).toBe(1)
    expect(early.stderr).toMatch(/kek_not_active[^]*kek show not-proven\n/)
    expect((await cli('kek', 'show', 'not-proven')).stderr).toMatch(
      /kek grant not-proven[^]*kek verify not-proven/,
    )
  })

  it('retire tells what is in the way, and how to move it', async () => {
    const { code, stderr } = await cli('kek', 'retire', 'main', '--yes')
    expect(code).toBe(1)
    expect(stderr).toContain('Still wrapped under this KEK: 2 credential versions in use')
    expect(stderr).toContain('kek move main --to')
  })

  it('due shows cryptoperiods, which update sets', async () => {
    const ages = ['--wrap-age-max', '365d', '--dek-age-max', '730d', '--credential-age-max', '90d']
    await answer('kek', 'update', 'main', ...ages, '--wraps-max', '4')
    const { items } = await answer('kek', 'due')
    expect(items.find((period: { name: string }) => period.name === 'main')).toMatchObject({
      ages: { wrap: { daysMax: 365 }, dek: { daysMax: 730 }, credential: { daysMax: 90 } },
      wrapsMax: 4,
      state: 'overdue',
      remedies: ['move'],
    })
    const all = (await cli('kek', 'due')).stdout
    expect(all).toMatch(/^KEK +STATE +WRAPS +DEKS +CREDENTIALS +HAS WRAPPED$/m)
    expect(all).toMatch(/^main +overdue +in period +in period +in period +\d+ of 4$/m)
    expect(all).toMatch(/^ {2}bin\/hasp kek move main --to KEK /m)
    const one = (await cli('kek', 'due', 'main')).stdout
    expect(one).toContain('Nothing under "main" is due by its age.')
    expect(one).toMatch(/^ {2}bin\/hasp kek move main --to KEK /m)
    expect((await cli('kek', 'show', 'main')).stdout).toMatch(
      /^Cryptoperiod +each wrap for 365 days, each DEK for 730 days, each credential for 90 days, 4 wraps$/m,
    )
    const none = ages.map((word) => (word.startsWith('--') ? word : 'none'))
    expect(await answer('kek', 'update', 'main', ...none, '--wraps-max', 'none')).toMatchObject({
      wrapAgeDaysMax: null,
      dekAgeDaysMax: null,
      credentialAgeDaysMax: null,
      wrapsMax: null,
    })
    const wrong = await cli('kek', 'update', 'main', '--dek-age-max', '1y')
    expect(wrong.code).toBe(2)
    expect(wrong.stderr).toMatch(/--dek-age-max.*a number of days such as 365d/s)
  })
})
