import type { Command } from 'commander'
import type { LifecycleJob } from '#cli/api/replies.ts'
import type { OutputOptions, Session } from '#cli/api/session.ts'
import type { Cli } from '#cli/command.ts'
import { followJob } from '#cli/job/follow.ts'
import { parseCount } from '#cli/parse/options.ts'

export type JobOptions = OutputOptions & Readonly<{ wait: boolean; rate?: number }>

/** Options of the commands that start a lifecycle job. */
export function withJobOptions(command: Command): Command {
  return command
    .option('--rate <n>', 'at most so many records a second (50)', parseCount)
    .option('--no-wait', 'start it and return; it goes on by itself')
}

/** Starts a job, and follows it unless told otherwise. */
export async function startJob(
  cli: Cli,
  session: Session,
  wanted: Record<string, string>,
  options: JobOptions,
): Promise<void> {
  const { api, out } = session
  const job = await api.send<LifecycleJob>('POST', '/lifecycle-jobs', {
    ...wanted,
    ...(options.rate === undefined ? {} : { recordsPerSecondMax: options.rate }),
  })
  if (options.wait) return followJob(cli, session, job)
  out.answer(
    job,
    () =>
      `Started the ${job.kind} ${job.id} of ${job.recordsTotal} records. To look: ${out.hasp} job show ${job.id} --follow`,
  )
}
