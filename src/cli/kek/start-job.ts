import type { Command } from 'commander'
import { withHint } from '#cli/api/api-problem.ts'
import type { Kek, LifecycleJob } from '#cli/api/replies.ts'
import type { OutputOptions, Session } from '#cli/api/session.ts'
import type { Cli } from '#cli/command.ts'
import { followJob } from '#cli/job/follow.ts'
import { shellWord } from '#cli/output/words.ts'
import { parseCount } from '#cli/parse/options.ts'

export type JobOptions = OutputOptions & Readonly<{ wait: boolean; rate?: number }>

/** Options of the commands that start a lifecycle job. */
export function withJobOptions(command: Command): Command {
  return command
    .option('--rate <n>', 'at most so many records a second (50)', parseCount)
    .option('--no-wait', 'start it and return; it goes on by itself')
}

/**
 * Starts a job, and follows it unless told otherwise.
 * @param keks that it takes from and gives to: which of them is in the way, where the service says that one is
 */
export async function startJob(
  cli: Cli,
  session: Session,
  wanted: Record<string, string>,
  options: JobOptions,
  keks: readonly Pick<Kek, 'name' | 'state'>[],
): Promise<void> {
  const { api, out } = session
  const rate = options.rate === undefined ? {} : { recordsPerSecondMax: options.rate }
  const started = api.send<LifecycleJob>('POST', '/lifecycle-jobs', { ...wanted, ...rate })
  const job = await withHint(started, (code) => {
    const inTheWay = keks.find(({ state }) => state !== 'active')
    return code === 'kek_not_active' && inTheWay !== undefined
      ? `hasp kek show ${shellWord(inTheWay.name)}`
      : undefined
  })
  if (options.wait) return followJob(cli, session, job)
  out.answer(
    job,
    () =>
      `Started the ${job.kind} ${job.id} of ${job.recordsTotal} records. To look: ${out.hasp} job show ${job.id} --follow`,
  )
}
