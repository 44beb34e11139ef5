/** The log of a Job with a container: as the recorder stored it, also when its pod is long gone. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from '@mnemos/api'
import { ApiError } from '@mnemos/contract'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { isTerminal, whyWaiting } from '../job-view.ts'
import type { Session } from '../session.ts'
import { exitCodeOf } from './jobs-wait.ts'

export interface LogFlags {
  readonly follow: boolean
  /** The newest when absent. */
  readonly attempt?: number
  readonly timestamps: boolean
}

const lookEveryMs = 2000
/** A log is stored for the last time shortly after its container ended. */
const patienceMs = 20_000

export async function containerLogs(invocation: Invocation, session: Session, job: Job, flags: LogFlags): Promise<ExitCode> {
  const { terminal, signal } = invocation
  const { name } = job.metadata
  const first = await logOf(session, name, flags, signal)
  if (!flags.follow) {
    if (first === undefined) terminal.say(nothingYet(job, flags))
    else terminal.write(shown(first, flags))
    return isTerminal(job) && first !== undefined ? exitCodeOf(job.status) : first === undefined ? exitCodes.notFound : exitCodes.ok
  }
  return follow(invocation, session, name, { flags, first })
}

async function follow(
  { terminal, signal }: Invocation,
  session: Session,
  name: string,
  { flags, first }: { flags: LogFlags; first: string | undefined },
): Promise<ExitCode> {
  let log = first ?? ''
  terminal.write(shown(log, flags))
  let endedAt: number | undefined
  for (;;) {
    await sleep(lookEveryMs, undefined, { signal })
    const job = await session.jobs.get(name, signal)
    const next = (await logOf(session, name, flags, signal)) ?? log
    terminal.write(shown(newIn(log, next), flags))
    const hasGrown = next !== log
    log = next
    if (!isTerminal(job)) continue
    endedAt ??= Date.now()
    if (!hasGrown || Date.now() - endedAt > patienceMs) return exitCodeOf(job.status)
  }
}

/** What `next` has that was not written yet. The middle of a long log gives way, and another attempt begins anew. */
export function newIn(written: string, next: string): string {
  if (next.startsWith(written)) return next.slice(written.length)
  const last = written.trimEnd().split('\n').at(-1) ?? ''
  const at = last === '' ? -1 : next.lastIndexOf(`${last}\n`)
  return at < 0 ? next : next.slice(at + last.length + 1)
}

/** @returns undefined when none is stored (yet) */
async function logOf(session: Session, name: string, { attempt }: LogFlags, signal: AbortSignal): Promise<string | undefined> {
  try {
    return await session.jobs.logs(name, attempt, signal)
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}

function nothingYet(job: Job, { attempt }: LogFlags): string {
  const { name, namespace = 'default' } = job.metadata
  const newest = job.status?.attempt ?? 0
  if (newest === 0) return whyWaiting(job, Date.now()) ?? `${name} has not started`
  const pod = job.status?.worker?.name.split('/').at(-1) ?? `${name}-a${attempt ?? newest}`
  return `no log of attempt ${attempt ?? newest} of ${name} is stored; while its pod is there: kubectl logs -n ${namespace} ${pod}`
}

/** Without the times in front of the lines, unless they are wanted. */
function shown(log: string, { timestamps }: LogFlags): string {
  return timestamps ? log : log.replaceAll(/^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) /gm, '')
}
