import { setTimeout as sleep } from 'node:timers/promises'
import { namesById } from '#cli/api/find-named.ts'
import type { LifecycleJob } from '#cli/api/replies.ts'
import type { Session } from '#cli/api/session.ts'
import type { Cli } from '#cli/command.ts'
import { printable } from '#cli/output/printable.ts'
import { barOf, formatJob, isEnded, partOf } from './format-job.ts'

const pollMs = 500
const clearLine = '\r\u001b[K'

/**
 * Shows a job until it ends: a bar on a terminal, else a line for each tenth and each change of its state. Ctrl-C
 * stops the looking, not the job. Exit code 1 unless it finished.
 */
export async function followJob(cli: Cli, session: Session, started: LifecycleJob): Promise<void> {
  const { io, api, out } = session
  const leaving = new AbortController()
  io.onSignal(() => leaving.abort())
  const show = io.stderr.isTTY === true ? drawnBar(session) : printedLines(session)
  let job = started
  show(job)
  while (!isEnded(job) && !leaving.signal.aborted) {
    await sleep(pollMs, undefined, { signal: leaving.signal }).catch(() => {})
    job = await api.get<LifecycleJob>(`/lifecycle-jobs/${job.id}`)
    show(job)
  }
  if (io.stderr.isTTY === true && !out.isJson) io.stderr.write('\n')
  if (!isEnded(job)) out.note(`The job goes on. To look again: ${out.hasp} job show ${job.id} --follow`)
  const kekName = out.isJson ? (id: string) => id : await namesById(api, 'kek')
  out.answer(job, () => formatJob(job, kekName))
  if (isEnded(job) && job.state !== 'finished') cli.exitCode = 1
}

function drawnBar({ io, out }: Session): (job: LifecycleJob) => void {
  return (job) => {
    if (out.isJson) return
    const line = job.lastError === null ? barOf(job) : `${barOf(job)}: ${job.lastError}`
    io.stderr.write(clearLine + printable(line).slice(0, Math.max(20, out.columns - 1)))
  }
}

function printedLines({ out }: Session): (job: LifecycleJob) => void {
  let said = ''
  return (job) => {
    const step = `${job.state} ${Math.floor(partOf(job) * 10)} ${job.lastError ?? ''}`
    if (step === said) return
    said = step
    out.note(printable(job.lastError === null ? barOf(job) : `${barOf(job)}: ${job.lastError}`))
  }
}
