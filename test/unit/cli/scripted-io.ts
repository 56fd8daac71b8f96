import { PassThrough } from 'node:stream'
import type { CliIo } from '#cli/io.ts'

/** The process that a command runs in, as the test wants it to be. */
export type ScriptedIo = CliIo &
  Readonly<{
    stdin: PassThrough & { isTTY?: boolean; setRawMode?: (isRaw: boolean) => unknown }
    out: () => string
    err: () => string
    /** Every change of the terminal's mode. */
    rawModes: boolean[]
  }>

export function scriptIo(
  given: { argv?: readonly string[]; env?: Record<string, string>; isTTY?: boolean; columns?: number } = {},
): ScriptedIo {
  const { argv = [], env = {}, isTTY = false, columns = 80 } = given
  const rawModes: boolean[] = []
  const stdin = Object.assign(new PassThrough(), {
    isTTY,
    setRawMode: (isRaw: boolean) => rawModes.push(isRaw),
  })
  const [stdout, out] = capture({ isTTY, columns })
  const [stderr, err] = capture({ isTTY, columns })
  return { argv, env, stdin, stdout, stderr, onSignal: () => {}, out, err, rawModes }
}

function capture(given: { isTTY: boolean; columns: number }) {
  const stream = Object.assign(new PassThrough(), given)
  let text = ''
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  return [stream, () => text] as const
}
