import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { CliError } from '#cli/cli-error.ts'
import type { CliIo } from '#cli/io.ts'
import { askHidden } from './hidden-prompt.ts'
import { isInteractive } from './terminal.ts'

/** The server takes 4096 bytes; room for a line end, and for seeing that there is too much. */
const bytesMax = 8192
const howToGive =
  'Type it when you are asked, pipe it in (printf %s "$OPENAI_API_KEY" | hasp …), or name a file: --credential-file PATH (- is standard input).'

/**
 * Reads a provider's credential: from a file, a pipe, or a person who is not shown what they type. Never from the
 * command line, and never as a string. The Buffer is the caller's to wipe.
 * @throws {CliError} `credential_missing`, `credential_malformed`, `credential_file_refused`, `cancelled`
 */
export async function readCredential(
  io: CliIo,
  options: { credentialFile?: string },
  what: string,
): Promise<Buffer> {
  const read = await readBytes(io, options.credentialFile, what)
  const credential = withoutLineEnd(read)
  try {
    assertPlain(credential)
    return credential
  } catch (error) {
    read.fill(0)
    throw error
  }
}

async function readBytes(io: CliIo, file: string | undefined, what: string): Promise<Buffer> {
  if (file !== undefined && file !== '-') return readFile(file)
  if (file === undefined && isInteractive(io)) return askHidden(io, `${what} (not shown as you type): `)
  if (io.stdin.isTTY === true) {
    throw new CliError(
      'credential_missing',
      'standard input is a terminal, and you can not be asked.',
      howToGive,
    )
  }
  return readPipe(io)
}

async function readPipe(io: CliIo): Promise<Buffer> {
  const chunks: Buffer[] = []
  try {
    let length = 0
    for await (const chunk of io.stdin) {
      // Without setEncoding the chunks are Buffers.
      chunks.push(chunk as Buffer)
      length += (chunk as Buffer).length
      if (length > bytesMax) break
    }
    return Buffer.concat(chunks, length)
  } finally {
    for (const chunk of chunks) chunk.fill(0)
  }
}

/** Follows links and reads pipes (`<(pass show openai)`), but nothing that others may read. */
async function readFile(path: string): Promise<Buffer> {
  await using file = await open(path, constants.O_RDONLY).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw new CliError('credential_file_refused', `the credential file "${path}" can not be read (${code}).`)
  })
  await assertPrivate(file, path)
  const bytes = Buffer.alloc(bytesMax)
  let length = 0
  for (;;) {
    const { bytesRead } = await file.read(bytes, length, bytesMax - length, null)
    length += bytesRead
    if (bytesRead === 0 || length === bytesMax) return bytes.subarray(0, length)
  }
}

async function assertPrivate(file: FileHandle, path: string): Promise<void> {
  const { mode } = await file.stat()
  if (process.platform === 'win32' || (mode & 0o077) === 0) return
  throw new CliError(
    'credential_file_refused',
    `the credential file "${path}" can be read or changed by other users of this machine (mode ${(mode & 0o777).toString(8)}).`,
    `chmod 600 '${path}'   # and, if others may have read it, take a new credential from your provider`,
  )
}

function withoutLineEnd(bytes: Buffer): Buffer {
  let end = bytes.length
  while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end -= 1
  return bytes.subarray(0, end)
}

/** Printable ASCII without the two characters that JSON would escape: the body is made of these bytes as they are. */
function assertPlain(credential: Buffer): void {
  if (credential.length === 0) throw new CliError('credential_missing', 'no credential was given.', howToGive)
  const isPlain = credential.every((byte) => byte > 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c)
  if (isPlain && credential.length <= 4096) return
  throw new CliError(
    'credential_malformed',
    'this can not be a credential: it takes up to 4096 printable ASCII characters without spaces, quotes and line ends.',
  )
}
