/**
 * Waits for processes to become ready and shows it as a list that a person can follow.
 *
 * Guarantees that every wait ends: with readiness, with the deadline (the end of the log is then part of the error), or
 * with the signal.
 */
import { type Clock, systemClock } from '@mnemos/kube'
import { CliError } from '../errors.ts'
import type { Terminal } from '../terminal.ts'
import type { Supervised } from './supervise.ts'

/** Shows one step of the start: a line while it lasts, a tick and its time when it is done. */
export async function stepOf<T>(terminal: Terminal, title: string, work: Promise<T>, told: (value: T) => string): Promise<T> {
  const began = systemClock.monotonic()
  terminal.status(`  ${terminal.paint('grey', '…')} ${title}`)
  const value = await work
  terminal.clearStatus()
  const took = terminal.paint('grey', `${((systemClock.monotonic() - began) / 1000).toFixed(1)} s`)
  terminal.say(`  ${terminal.paint('green', '✔')} ${title.padEnd(14)} ${told(value)}  ${took}`)
  return value
}

/** @throws CliError with the end of the log when the process is not ready in time */
export async function untilReady(child: Supervised, clock: Clock, signal: AbortSignal, timeoutMs = 60_000): Promise<void> {
  const deadline = clock.monotonic() + timeoutMs
  while (!(await answers(child.plan.readyUrl))) {
    if (clock.monotonic() > deadline) {
      throw new CliError(`${child.plan.name} was not ready within ${timeoutMs / 1000} s; the end of its log:\n${await child.tail()}`, {
        code: 'MNEMOS_NOT_READY',
        hint: 'read the whole log in the state folder',
      })
    }
    await clock.sleep(50, signal)
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}
