import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jsonWithCredential } from '#cli/api/secret-json.ts'
import { TypedLine } from '#cli/terminal/hidden-prompt.ts'
import { readCredential } from '#cli/terminal/read-credential.ts'
import { scriptIo } from './scripted-io.ts'

const secret = 'sk-test-0123456789abcdef'
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hasp-credential-'))
})
afterAll(() => rm(directory, { recursive: true }))

async function fileOf(content: string, mode: number): Promise<string> {
  const path = join(directory, `${mode.toString(8)}-${Math.random()}`)
  await writeFile(path, content)
  await chmod(path, mode)
  return path
}

describe('a credential from a person', () => {
  it('is asked for on standard error, never shown, and the terminal is left as it was', async () => {
    const io = scriptIo({ isTTY: true })
    const writtenInRawMode: boolean[] = []
    io.stderr.on('data', () => writtenInRawMode.push(io.rawModes.at(-1) === true))
    const read = readCredential(io, {}, 'Credential of openai')
    io.stdin.write(Buffer.from(`${secret}x`))
    io.stdin.write(Buffer.from([0x7f]))
    io.stdin.write('\r')
    expect((await read).toString()).toBe(secret)
    expect(io.err()).toBe('Credential of openai (not shown as you type): \n')
    expect(io.out()).toBe('')
    expect(io.rawModes).toEqual([true, false])
    expect(writtenInRawMode[0]).toBe(true)
  })

  it.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D at an empty line', '\u0004'],
  ])('is given up with %s, and the terminal is left as it was', async (_, keys) => {
    const io = scriptIo({ isTTY: true })
    const read = readCredential(io, {}, 'Credential')
    io.stdin.write(keys)
    await expect(read).rejects.toMatchObject({ code: 'cancelled' })
    expect(io.rawModes).toEqual([true, false])
  })

  it('may be begun anew with Ctrl-U, and is not touched by arrow keys', () => {
    const line = new TypedLine()
    expect(line.type(Buffer.from('wrong\u0015right'))).toBeUndefined()
    expect(line.type(Buffer.from('\u001b[D'))).toBeUndefined()
    expect(line.type(Buffer.from('\n'))).toBe('entered')
    expect(line.take().toString()).toBe('right')
  })
})

describe('a credential from a pipe or a file', () => {
  it.each(['', '\n', '\r\n'])('loses the line end %j and nothing else', async (lineEnd) => {
    const io = scriptIo()
    io.stdin.end(secret + lineEnd)
    expect((await readCredential(io, {}, 'x')).toString()).toBe(secret)
    const path = await fileOf(secret + lineEnd, 0o600)
    expect((await readCredential(scriptIo(), { credentialFile: path }, 'x')).toString()).toBe(secret)
  })

  it('reads standard input for -', async () => {
    const io = scriptIo({ isTTY: false })
    io.stdin.end(secret)
    expect((await readCredential(io, { credentialFile: '-' }, 'x')).toString()).toBe(secret)
  })

  it.each([0o640, 0o604, 0o620, 0o602, 0o644])(
    'refuses a file of mode %o, and says how to mend it',
    async (mode) => {
      const path = await fileOf(secret, mode)
      await expect(readCredential(scriptIo(), { credentialFile: path }, 'x')).rejects.toMatchObject({
        code: 'credential_file_refused',
        exitCode: 2,
        hint: expect.stringContaining('chmod 600'),
      })
    },
  )

  it('refuses a file that is not there', async () => {
    await expect(
      readCredential(scriptIo(), { credentialFile: join(directory, 'none') }, 'x'),
    ).rejects.toMatchObject({ code: 'credential_file_refused', message: expect.stringContaining('ENOENT') })
  })

  it.each(['', '\n'])('refuses nothing at all (%j), and says how to give one', async (input) => {
    const io = scriptIo()
    io.stdin.end(input)
    await expect(readCredential(io, {}, 'x')).rejects.toMatchObject({
      code: 'credential_missing',
      hint: expect.stringContaining('--credential-file'),
    })
  })

  it.each([
    `two ${secret}`,
    `${secret}"`,
    `${secret}\\`,
    `${secret}é`,
    `${secret}\n${secret}`,
    'x'.repeat(5000),
  ])('refuses what can not be one, without repeating it', async (input) => {
    const io = scriptIo()
    io.stdin.end(input)
    const error: unknown = await readCredential(io, {}, 'x').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'credential_malformed' })
    expect(JSON.stringify(error) + String(error)).not.toContain(secret)
  })
})

describe('a body with a credential', () => {
  it('is the JSON of its members with the bytes as one more', () => {
    const body = jsonWithCredential({ name: 'x "y"', baseUrl: undefined }, Buffer.from(secret))
    expect(JSON.parse(body.toString())).toEqual({ name: 'x "y"', credential: secret })
    expect(JSON.parse(jsonWithCredential({}, Buffer.from(secret)).toString())).toEqual({ credential: secret })
  })
})
