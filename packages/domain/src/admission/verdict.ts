/**
 * What goes into an admission review and what comes out of it, as plain values.
 *
 * Knows nothing of AdmissionReview, HTTP or JSON text: the webhooks process decodes and encodes. `PatchOperation` is
 * RFC 6902, because that is the only patch an API server accepts from a webhook.
 */
import type { Finding } from '@mnemos/api'
import type { Violation } from '../policies/judge-policies.ts'
import type { PolicyWorld } from '../policies/policy-world.ts'
import type { RateLimitRule } from '../policies/rate-limit.ts'
import type { Catalog } from './catalog.ts'

export interface ReviewedObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name?: string | undefined
    readonly generateName?: string | undefined
    readonly namespace?: string | undefined
    readonly deletionTimestamp?: string | undefined
    readonly labels?: Readonly<Record<string, string>> | undefined
    readonly generation?: number | undefined
    readonly annotations?: Readonly<Record<string, string>> | undefined
    /** Of an object that is to be stored: the one that it will have. */
    readonly uid?: string | undefined
  }
  readonly spec?: unknown
  /** What is stored; of a new object nobody's word. */
  readonly status?: unknown
}

export interface ReviewRequest {
  /** `mutate` runs before the schema and stamps; `validate` runs after every mutation and warns. Both refuse. */
  readonly stage: 'mutate' | 'validate'
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  readonly group: string
  readonly kind: string
  /** Absent for kinds of cluster scope. */
  readonly namespace?: string | undefined
  /** The user on whose behalf the request is made, after impersonation. */
  readonly userName: string
  /** The groups of that user; none when absent. */
  readonly groups?: readonly string[] | undefined
  /** What else the authenticator says of that user, for authorizers that ask for it. */
  readonly userUid?: string | undefined
  readonly userExtra?: Readonly<Record<string, readonly string[]>> | undefined
  /** The API key that was shown, by its id; absent when another credential was. */
  readonly apiKey?: string | undefined
  readonly object?: ReviewedObject | undefined
  /** What is stored now; only on UPDATE. */
  readonly oldObject?: ReviewedObject | undefined
}

export interface ReviewContext {
  /** Accounts of our own processes, whose children inherit the requester that they name. */
  readonly trustedUsers: ReadonlySet<string>
  readonly catalog: Catalog
  readonly policies: PolicyWorld
}

export type PatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }

/** One entry of `status.details.causes`, as kubectl prints it: `* field: message`. */
export interface Cause {
  readonly reason: string
  readonly field: string
  readonly message: string
}

/** A `metav1.Status` of a refusal, without the constant members. */
export interface Refusal {
  readonly code: number
  readonly reason: 'Invalid' | 'BadRequest' | 'TooManyRequests' | 'ServiceUnavailable'
  readonly message: string
  readonly details: { readonly name: string; readonly group: string; readonly kind: string; readonly causes: readonly Cause[] }
}

export interface Verdict {
  readonly allowed: boolean
  /** Set exactly when not allowed. */
  readonly status?: Refusal
  /** Sentences that kubectl prints as `Warning: …`; each at most 256 bytes, or the API server cuts it. */
  readonly warnings: readonly string[]
  /** Only from the `mutate` stage, only when something is to change. */
  readonly patch?: readonly PatchOperation[]
  /** What led to a refusal, for metrics and logs. */
  readonly findings: readonly Finding[]
  /** What policies found, whether it was refused or not, for metrics and the audit; in the stage that decided. */
  readonly violations: readonly Violation[]
  /** Rate limits that are to be charged before the request may pass. */
  readonly rateLimits: readonly RateLimitRule[]
}
