/** The ending of an attempt as the Result of the protocol; texts are cut to what the Job's status can hold. */
import { create } from '@bufbuild/protobuf'
import { type AttemptRef, type AttemptResult, AttemptResultSchema } from '@mnemos/contract'
import type { Ending } from './attempt.ts'

export type Final = Extract<Ending, { kind: 'succeeded' | 'failed' | 'cancelled' }>

export function resultOf(ref: AttemptRef, ending: Final): AttemptResult {
  switch (ending.kind) {
    case 'succeeded': {
      const { result, usage, outputs } = ending
      const { uri, sha256, sizeBytes, inline } = result
      const spent = usage && { ...usage, durationMs: BigInt(Math.round(usage.durationMs)) }
      const value = { uri, sha256, sizeBytes: BigInt(sizeBytes), inline, outputs, ...(spent === undefined ? {} : { usage: spent }) }
      return create(AttemptResultSchema, { ref, outcome: { case: 'success', value } })
    }
    case 'failed': {
      const { class: failureClass, reason, message, hint } = ending.failure
      const value = { class: failureClass, reason: reason.slice(0, 64), message: message.slice(0, 1024), hint: hint.slice(0, 512) }
      return create(AttemptResultSchema, { ref, outcome: { case: 'failure', value } })
    }
    case 'cancelled':
      return create(AttemptResultSchema, { ref, outcome: { case: 'cancelled', value: {} } })
  }
}
