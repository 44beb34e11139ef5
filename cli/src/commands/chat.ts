/**
 * `mnemos chat MODEL "…"`: submits a Job and streams its answer to stdout; what happens meanwhile stands on stderr.
 *
 * Ctrl-C cancels the Job before the program ends, so that no worker goes on for nobody.
 */
import { systemClock } from '@mnemos/kube'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { whyWaiting } from '../job-view.ts'
import { connect, type Session } from '../session.ts'
import { streamAnswer } from './jobs-logs.ts'
import { jobOf, type PromptOptions } from './jobs-submit.ts'

export async function chat(invocation: Invocation, model: string, prompt: string, options: PromptOptions): Promise<ExitCode> {
  const session = await connect(invocation)
  const { terminal, signal } = invocation
  const began = systemClock.monotonic()
  const job = await session.jobs.submit(jobOf(model, prompt, session.namespace, options), signal)
  const { name } = job.metadata
  let firstTokenAt: number | undefined
  let tokens = 0
  const onToken = (): void => {
    firstTokenAt ??= systemClock.monotonic()
    tokens += 1
  }
  const watching = explainWait(invocation, session, name, () => firstTokenAt !== undefined)
  try {
    const code = await streamAnswer(invocation, session, name, { onToken })
    if (firstTokenAt !== undefined) {
      const seconds = Math.max(0.001, (systemClock.monotonic() - firstTokenAt) / 1000)
      const first = ((firstTokenAt - began) / 1000).toFixed(1)
      terminal.say(
        terminal.paint('grey', `${tokens} tokens, ${Math.round(tokens / seconds)} tokens/s, first after ${first} s, Job ${name}`),
      )
    }
    return code
  } catch (error) {
    if (!signal.aborted) throw error
    await session.jobs.cancel(name, AbortSignal.timeout(5000))
    terminal.clearStatus()
    terminal.say(`\ncancelled Job ${name}`)
    return exitCodes.cancelled
  } finally {
    watching.stop()
  }
}

/** Says every second why there is no token yet: the Job's reason, and the import's progress when the Model is not ready. */
function explainWait(invocation: Invocation, session: Session, name: string, answered: () => boolean): { stop(): void } {
  const { terminal, signal } = invocation
  const began = systemClock.monotonic()
  let stopped = false
  const look = async (): Promise<void> => {
    if (stopped || answered() || signal.aborted) return
    try {
      const job = await session.jobs.get(name, signal)
      if (answered()) return
      const phase = job.status?.phase ?? 'Pending'
      const why = whyWaiting(job, Date.now()) ?? (phase === 'Running' ? 'loading the model, reading the prompt' : phase)
      terminal.status(`${why} (${Math.round((systemClock.monotonic() - began) / 1000)} s)`)
    } catch {
      // Only a line for people: the stream itself tells what is wrong.
    }
    schedule()
  }
  const schedule = (): void => void systemClock.setTimeout(() => void look(), 700)
  schedule()
  return {
    stop: () => {
      stopped = true
    },
  }
}
