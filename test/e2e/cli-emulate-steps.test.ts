import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Seen, startCli } from '../support/run-cli.ts'
import { startHasp } from '../support/running-hasp.ts'

const run = promisify(execFile)
const ourBin = fileURLToPath(new URL('../../bin/hasp', import.meta.url))
const ourCurl = fileURLToPath(new URL('../support/curl.ts', import.meta.url))

/** One emulated cloud, by what it prints for people. */
async function emulate(seen: Seen, ...argv: string[]) {
  const cli = startCli(seen, ['emulate', ...argv, '--port', '0'], {})
  await cli.printed(/padlock away[^]*\.ndjson/)
  const [exports = '', steps = '', levers = ''] = cli.stdout().split(/\n(?:For the terminal of its|Take the)/)
  const typed = (text: string) => text.split('\n').flatMap((line) => /^ {2}(?! )(.+)/.exec(line)?.[1] ?? [])
  const environment = typed(exports).map((line) => line.replace('export ', '').split(/=(.*)/s, 2))
  const [take = '', giveBack = ''] = typed(levers)
  return {
    environment: Object.fromEntries(environment) as Record<string, string>,
    steps: typed(steps),
    take,
    giveBack,
    [Symbol.asyncDispose]: () => cli[Symbol.asyncDispose](),
  }
}

describe('what the emulated clouds print, typed line by line as it is printed', () => {
  const seen = new Seen()
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'hasp-steps-'))
    await mkdir(join(directory, 'bin'))
    await symlink(ourBin, join(directory, 'bin/hasp'))
    // In the place of the machine's, which may have none.
    const curl = `#!/bin/sh\nexec '${process.execPath}' '${ourCurl}' "$@"\n`
    await writeFile(join(directory, 'bin/curl'), curl, { mode: 0o755 })
  })
  afterAll(() => rm(directory, { recursive: true }))

  it('registers, grants and proves a KEK on each in one Hasp, takes it away and gives it back', async () => {
    await using aws = await emulate(seen, 'aws')
    await using google = await emulate(seen, 'google')
    await using azure = await emulate(seen, 'azure')
    const setting = (name: string) => aws.environment[name] ?? ''
    const ownCredentials = async () => ({
      accessKeyId: setting('AWS_ACCESS_KEY_ID'),
      secretAccessKey: setting('AWS_SECRET_ACCESS_KEY'),
    })
    await using hasp = await startHasp(
      {
        HASP_AWS_PRINCIPAL_ARN: setting('HASP_AWS_PRINCIPAL_ARN'),
        ...google.environment,
        ...azure.environment,
      },
      {
        aws: {
          kmsEndpoint: () => setting('AWS_ENDPOINT_URL_KMS'),
          stsEndpoint: () => setting('AWS_ENDPOINT_URL_STS'),
          ownCredentials,
        },
      },
    )
    const { PATH = '', HOME = '' } = process.env
    const env = {
      PATH: `${join(directory, 'bin')}:${PATH}`,
      HOME,
      HASP_URL: hasp.url,
      HASP_TOKEN: hasp.token,
    }
    /** Fails where the line does. */
    const type = async (line: string) => (await run('sh', ['-c', line], { cwd: directory, env })).stdout
    for (const [name, cloud] of Object.entries({ aws, google, azure })) {
      for (const line of cloud.steps.slice(0, -1)) await type(line)
      expect(cloud.steps.at(-1)).toBe(`bin/hasp kek verify ${name}`)
      const verify = () => type(cloud.steps.at(-1) ?? '')
      expect(await verify()).toMatch(/✓\s+least-privilege/)
      const mistyped = type(cloud.take.replace(`-d '{`, `-d '{"forever":true,`))
      await expect(mistyped).rejects.toMatchObject({
        code: 22,
        stdout: expect.stringMatching(/"error": ?"Bad input: /),
        stderr: expect.stringContaining('curl: (22)'),
      })
      await type(cloud.take)
      await expect(verify()).rejects.toMatchObject({ code: 1 })
      await type(cloud.giveBack)
      expect(await verify()).toMatch(/✓\s+least-privilege/)
    }
  })
})
