import type { CliIo } from '#cli/io.ts'

/** A command line of Hasp's in a text: followed by a command, a placeholder or an option of help. */
const ourCommand = /(?<![\w./-])hasp (?=[a-z[…]|COMMAND)/g

/** What people type for `hasp` where they are: `bin/hasp` in a clone, `hasp` on the PATH. bin/hasp finds it out. */
export function commandWord(io: Pick<CliIo, 'env'>): string {
  const typed = io.env['HASP_TYPED_AS']
  if (typed === undefined || typed === '') return 'hasp'
  return typed === 'npx hasp' || /^[\w./~+@-]+$/.test(typed) ? typed : `'${typed.replaceAll("'", `'\\''`)}'`
}

/** `text` of our own with the command lines in it as they are to be typed; `word` is that of {@link commandWord}. */
export function asTyped(text: string, word: string): string {
  return text.replace(ourCommand, () => `${word} `)
}
