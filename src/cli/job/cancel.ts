import type { Command } from 'commander'
import type { LifecycleJob } from '#cli/api/replies.ts'
import type { OutputOptions, Session } from '#cli/api/session.ts'
import { addCommand, withSession, withYes, type Cli } from '#cli/command.ts'
import { requireId } from '#cli/parse/id.ts'
import { confirm } from '#cli/terminal/confirm.ts'
import { progressOf } from './format-job.ts'

type Options = OutputOptions & Readonly<{ yes?: boolean }>

/** `hasp job cancel` */
export function addJobCancel(group: Command, cli: Cli): void {
  withYes(
    addCommand(group, 'cancel <job>', {
      summary: 'End a lifecycle job where it is.',
      details:
        'What it did stays done; once this answers, nothing further is. Start the same again to go on.',
      examples: ['hasp job cancel ID', 'hasp job cancel ID --yes --json'],
    }),
  ).action(withSession(cli, cancel))
}

async function cancel({ io, api, out }: Session, given: string, options: Options): Promise<void> {
  const id = requireId(given, 'job', 'hasp job list')
  await confirm(io, options, `Cancel the job ${id}.`)
  const job = await api.send<LifecycleJob>('POST', `/lifecycle-jobs/${id}/cancel`)
  out.answer(job, () => `Cancelled: ${progressOf(job)} records were done.`)
}
