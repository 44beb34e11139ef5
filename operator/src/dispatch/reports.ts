/**
 * What workers reported about attempts, until the Job's own key has taken it into account. Facts only: nothing in here is
 * decided, and all of it may be lost, because a worker keeps a result until it is answered and says again what it runs.
 */

import { type FailureClass, failureClasses, maxInlineResultBytes } from '@mnemos/api'
import type { AttemptProgress, AttemptRef, AttemptResult } from '@mnemos/contract'
import type { AttemptEnd, AttemptReport } from '@mnemos/domain'

export interface Report extends AttemptReport {
  readonly worker: string
  readonly instance: string
}

export interface Sender {
  readonly worker: string
  readonly instance: string
}

export class Reports {
  /** By Job UID, then by attempt and instance. */
  readonly #byJob = new Map<string, Map<string, Report>>()

  started({ jobUid, attempt }: AttemptRef, from: Sender, at: number): void {
    const known = this.#get(jobUid, attempt, from)
    if (known?.startedAt === undefined) this.#set(jobUid, attempt, { ...known, ...from, startedAt: at })
  }

  progressed({ jobUid, attempt }: AttemptRef, from: Sender, progress: AttemptProgress, at: number): void {
    const { percent, tokens, bytes, totalBytes, message } = progress
    const known = this.#get(jobUid, attempt, from)
    const counted = {
      percent: Math.max(0, Math.min(100, percent)),
      tokens: Math.max(0, tokens),
      bytes: Number(bytes),
      totalBytes: Number(totalBytes),
      message,
    }
    this.#set(jobUid, attempt, { startedAt: at, ...known, ...from, progress: counted })
  }

  ended({ jobUid, attempt }: AttemptRef, from: Sender, end: AttemptEnd): void {
    const known = this.#get(jobUid, attempt, from)
    this.#set(jobUid, attempt, { ...known, ...from, end })
  }

  of(uid: string, attempt: number, instance: string): Report | undefined {
    return this.#byJob.get(uid)?.get(`${attempt} ${instance}`)
  }

  /** Every report about a Job, with its attempt. */
  all(uid: string): readonly { readonly attempt: number; readonly report: Report }[] {
    return [...(this.#byJob.get(uid) ?? [])].map(([key, report]) => ({ attempt: Number(key.split(' ')[0]), report }))
  }

  /** Forgets what one process reported about an attempt, and returns it. */
  take(uid: string, attempt: number, instance: string): Report | undefined {
    const taken = this.of(uid, attempt, instance)
    const reports = this.#byJob.get(uid)
    reports?.delete(`${attempt} ${instance}`)
    if (reports?.size === 0) this.#byJob.delete(uid)
    return taken
  }

  forget(uid: string): void {
    this.#byJob.delete(uid)
  }

  #get(uid: string, attempt: number, { instance }: Sender): Report | undefined {
    return this.of(uid, attempt, instance)
  }

  #set(uid: string, attempt: number, report: Report): void {
    const reports = this.#byJob.get(uid)
    const key = `${attempt} ${report.instance}`
    if (reports === undefined) this.#byJob.set(uid, new Map([[key, report]]))
    else reports.set(key, report)
  }
}

const sha256Pattern = /^[a-f0-9]{64}$/

/** A worker's result as a fact about its attempt; one that cannot be true is a failure of the worker. */
export function endOf({ outcome, ref }: AttemptResult): AttemptEnd {
  switch (outcome.case) {
    case 'success': {
      const { uri, sha256, sizeBytes, inline, usage } = outcome.value
      const prefix = `artifact://outputs/${ref?.namespace ?? ''}/${ref?.jobUid ?? ''}/a${ref?.attempt ?? 0}/`
      if (!uri.startsWith(prefix) || !sha256Pattern.test(sha256)) return invalid('named no object of its own attempt, or no SHA-256')
      return {
        type: 'succeeded',
        uri,
        sha256,
        sizeBytes: Number(sizeBytes),
        inline: inline === '' || Buffer.byteLength(inline) > maxInlineResultBytes ? undefined : inline,
        usage: {
          promptTokens: usage?.promptTokens ?? 0,
          completionTokens: usage?.completionTokens ?? 0,
          durationMs: Number(usage?.durationMs ?? 0n),
        },
      }
    }
    case 'failure': {
      const { class: failureClass, reason, message, hint } = outcome.value
      return {
        type: 'failed',
        class: classOf(failureClass),
        reason: reason.slice(0, 64) || 'Failed',
        message: message || 'The worker gave no reason.',
        hint: hint === '' ? undefined : hint,
      }
    }
    case 'cancelled':
      return { type: 'cancelled' }
    case undefined:
      return invalid('said nothing about the outcome')
  }
}

function invalid(what: string): AttemptEnd {
  return {
    type: 'failed',
    class: 'Internal',
    reason: 'InvalidResult',
    message: `The worker's result ${what}.`,
    hint: 'Check that the worker has the version of the operator.',
  }
}

function classOf(text: string): FailureClass {
  return failureClasses.find((each) => each === text) ?? 'Internal'
}
