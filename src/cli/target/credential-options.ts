import type { Command } from 'commander'

export type CredentialOptions = Readonly<{ credentialFile?: string; validate: boolean }>

/** Why there is no option for the credential itself; part of the help of every command that takes one. */
export const whereTheCredentialComesFrom =
  'The credential is asked for without being shown, or read from a pipe or from --credential-file. There is no option for its value: every user of this machine can see command lines (ps), and your shell keeps them in its history.'

export function withCredential(command: Command): Command {
  return command
    .option(
      '--credential-file <path>',
      'read the credential from this file, which only you may read; - is standard input',
    )
    .option('--no-validate', 'store the credential without asking its provider about it')
}
