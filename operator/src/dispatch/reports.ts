/**
 * What workers reported about attempts, until the Job's own key has taken it into account. Facts only: nothing in here is
 * decided, and all of it may be lost, because a worker keeps a result until it is answered and says again what it runs.
 */

import { createHash } from 'node:crypto'
import { type FailureClass, failureClasses, maxInlineResultBytes } from '@mnemos/api'
import type { AttemptProgress, AttemptRef, AttemptResult } from '@mnemos/contract'
import type { AttemptEnd, AttemptReport, PlacedOn } from '@mnemos/domain'

export interface Report extends AttemptReport {
  readonly from: PlacedOn
}

export class Reports {
  #size = 0
  /** By Job UID, then by attempt and process: what one worker says cannot stand in for another. */
  readonly #byJob = new Map<string, Map<string, Report>>()

  started({ jobUid, attempt }: AttemptRef, from: PlacedOn, at: number): void {
    const known = this.of(jobUid, attempt, from)
    if (known?.startedAt === undefined) this.#set(jobUid, attempt, { ...known, from, startedAt: at })
  }

  progressed({ jobUid, attempt }: AttemptRef, from: PlacedOn, progress: AttemptProgress, at: number): void {
    const { percent, tokens, bytes, totalBytes, message } = progress
    const known = this.of(jobUid, attempt, from)
    const counted = {
      percent: Math.max(0, Math.min(100, percent)),
      tokens: Math.max(0, tokens),
      bytes: Number(bytes),
      totalBytes: Number(totalBytes),
      message,
    }
    this.#set(jobUid, attempt, { startedAt: at, ...known, from, progress: counted })
  }

  ended({ jobUid, attempt }: AttemptRef, from: PlacedOn, end: AttemptEnd): void {
    const known = this.of(jobUid, attempt, from)
    this.#set(jobUid, attempt, { ...known, from, end })
  }

  of(uid: string, attempt: number, from: PlacedOn): Report | undefined {
    return this.#byJob.get(uid)?.get(keyOf(attempt, from))
  }

  /** How many reports wait to be taken into account. */
  get size(): number {
    return this.#size
  }

  /** Every report about a Job, with its attempt. */
  all(uid: string): readonly { readonly attempt: number; readonly report: Report }[] {
    return [...(this.#byJob.get(uid) ?? [])].map(([key, report]) => ({ attempt: Number(key.split(' ')[0]), report }))
  }

  /** Forgets what one process reported about an attempt, and returns it. */
  take(uid: string, attempt: number, from: PlacedOn): Report | undefined {
    const taken = this.of(uid, attempt, from)
    const reports = this.#byJob.get(uid)
    if (reports?.delete(keyOf(attempt, from)) === true) this.#size -= 1
    if (reports?.size === 0) this.#byJob.delete(uid)
    return taken
  }

  forget(uid: string): void {
    this.#size -= this.#byJob.get(uid)?.size ?? 0
    this.#byJob.delete(uid)
  }

  #set(uid: string, attempt: number, report: Report): void {
    const reports = this.#byJob.get(uid)
    const key = keyOf(attempt, report.from)
    if (reports?.has(key) !== true) this.#size += 1
    if (reports === undefined) this.#byJob.set(uid, new Map([[key, report]]))
    else reports.set(key, report)
  }
}

function keyOf(attempt: number, { name, instance }: PlacedOn): string {
  return `${attempt} ${name} ${instance}`
}

const sha256Pattern = /^[a-f0-9]{64}$/
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]*$/
const maxUriLength = 1024
/** What a status can hold of a number that came in 64 bits; a write with any other would be refused each time. */
const isCount = (value: bigint | undefined): value is bigint =>
  value !== undefined && value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER)
const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex')

/** A worker's result as a fact about its attempt; one that cannot be true is a failure of the worker. */
export function endOf({ outcome, ref }: AttemptResult): AttemptEnd {
  switch (outcome.case) {
    case 'success': {
      const { uri, sha256, sizeBytes, inline, usage } = outcome.value
      const prefix = `artifact://outputs/${ref?.namespace ?? ''}/${ref?.jobUid ?? ''}/a${ref?.attempt ?? 0}/`
      const path = uri.slice(prefix.length)
      if (!uri.startsWith(prefix) || !namePattern.test(path) || !sha256Pattern.test(sha256))
        return invalid('named no object of its own attempt, or no SHA-256')
      if (uri.length > maxUriLength || !isCount(sizeBytes)) return invalid('named an object whose address or size cannot be')
      if (inline !== '' && sha256Of(inline) !== sha256) return invalid('had another text than the stored object')
      return {
        type: 'succeeded',
        uri,
        sha256,
        sizeBytes: Number(sizeBytes),
        inline: inline === '' || Buffer.byteLength(inline) > maxInlineResultBytes ? undefined : inline,
        usage: {
          promptTokens: Math.max(0, usage?.promptTokens ?? 0),
          completionTokens: Math.max(0, usage?.completionTokens ?? 0),
          durationMs: isCount(usage?.durationMs) ? Number(usage.durationMs) : 0,
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
