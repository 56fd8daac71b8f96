import type { Command } from 'commander'
import { namesById } from '#cli/api/find-named.ts'
import type { LifecycleJob } from '#cli/api/replies.ts'
import type { OutputOptions, Session } from '#cli/api/session.ts'
import { addCommand, withSession, type Cli } from '#cli/command.ts'
import { requireId } from '#cli/parse/id.ts'
import { followJob } from './follow.ts'
import { formatJob } from './format-job.ts'

type Options = OutputOptions & Readonly<{ follow?: boolean }>

/** `hasp job show` */
export function addJobShow(group: Command, cli: Cli): void {
  addCommand(group, 'show <job>', {
    summary: 'Show one lifecycle job and how far it is.',
    details: 'With --follow: until it ends. Exit code 1 when it then has failed or was cancelled.',
    examples: ['hasp job show ID', 'hasp job show ID --follow'],
  })
    .option('--follow', 'show its progress until it ends')
    .action(withSession(cli, (session, id: string, options: Options) => show(cli, session, id, options)))
}

async function show(cli: Cli, session: Session, given: string, options: Options): Promise<void> {
  const { api, out } = session
  const id = requireId(given, 'job', 'hasp job list')
  const job = await api.get<LifecycleJob>(`/lifecycle-jobs/${id}`)
  if (options.follow === true) return followJob(cli, session, job)
  const kekName = out.isJson ? (kekId: string) => kekId : await namesById(api, 'kek')
  out.answer(job, () => formatJob(job, kekName))
}
