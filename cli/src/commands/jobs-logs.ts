/** `mnemos jobs logs NAME [-f]`: what the Job has written so far, and with `-f` every token until it ends. */
import { systemClock } from '@mnemos/kube'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { follow } from '../follow.ts'
import type { Invocation } from '../invocation.ts'
import { answerText, isTerminal, whyWaiting } from '../job-view.ts'
import { connect, type Session } from '../session.ts'
import { containerLogs, type LogFlags } from './container-logs.ts'
import { exitCodeOf } from './jobs-wait.ts'

export async function jobLogs(invocation: Invocation, name: string, flags: LogFlags): Promise<ExitCode> {
  return logsOfJob(invocation, await connect(invocation), name, flags)
}

/** The log of one Job, whatever it does; ends with the code of the Job when it has ended. */
export async function logsOfJob(invocation: Invocation, session: Session, name: string, flags: LogFlags): Promise<ExitCode> {
  const { terminal, signal } = invocation
  const job = await session.jobs.get(name, signal)
  if (job.spec.container !== undefined) return containerLogs(invocation, session, job, flags)
  if (isTerminal(job) && job.status?.result !== undefined) {
    terminal.write(`${await wholeAnswer(session, name, signal)}\n`)
    return exitCodeOf(job.status)
  }
  if (!flags.follow) {
    terminal.say(whyWaiting(job, Date.now()) ?? `${name} is ${job.status?.phase ?? 'Pending'}; follow it with -f`)
    return exitCodes.ok
  }
  return streamAnswer(invocation, session, name)
}

export interface Streaming {
  /** Called with each status, for a progress line. */
  readonly onStatus?: (phase: string) => void
  readonly onToken?: (text: string) => void
}

/**
 * Writes a Job's tokens to stdout as they appear and ends with its exit code. What the stream lacks (it may be lost with
 * the server's memory) is filled in from the stored result.
 */
export async function streamAnswer(invocation: Invocation, session: Session, name: string, streaming: Streaming = {}): Promise<ExitCode> {
  const { terminal, signal } = invocation
  let written = ''
  const status = await follow({
    open: (lastEventId, during) => session.jobs.stream(name, lastEventId, during),
    clock: systemClock,
    signal,
    onToken: (text) => {
      written += text
      terminal.write(text)
      streaming.onToken?.(text)
    },
    onReset: (attempt) => {
      if (written !== '') terminal.write('\n')
      written = ''
      if (attempt > 1) terminal.say(`attempt ${attempt} starts over`)
    },
    onStatus: (seen) => streaming.onStatus?.(seen.phase),
  })
  terminal.clearStatus()
  const last = status ?? (await session.jobs.get(name, signal)).status
  if (last?.phase === 'Succeeded') await fillIn(invocation, session, name, written)
  else if (written !== '') terminal.write('\n')
  if (last?.failure !== undefined && last.phase !== 'Succeeded') {
    terminal.say(`${last.failure.class}/${last.failure.reason}: ${last.failure.message}`)
    if (last.failure.hint !== undefined) terminal.say(`  next: ${last.failure.hint}`)
  }
  return exitCodeOf(last)
}

async function fillIn({ terminal, signal }: Invocation, session: Session, name: string, written: string): Promise<void> {
  const whole = await wholeAnswer(session, name, signal)
  if (whole.startsWith(written)) terminal.write(`${whole.slice(written.length)}\n`)
  else {
    terminal.write('\n')
    terminal.say(`the stream had gaps; the whole answer: mnemos jobs logs ${name}`)
  }
}

async function wholeAnswer(session: Session, name: string, signal: AbortSignal): Promise<string> {
  return answerText(await session.jobs.result(name, signal))
}
