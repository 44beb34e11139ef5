/**
 * AdmissionReview v1 on the wire ↔ the values that the domain judges.
 *
 * Reads only what a review needs and keeps the spec as it came. A body that is no AdmissionReview is the caller's mistake
 * (`ReviewDecodeError`), never a verdict.
 */
import type { ReviewRequest, Verdict } from '@mnemos/domain'
import { z } from 'zod'
import { parseJsonText } from './json-text.ts'

export class ReviewDecodeError extends Error {
  override readonly name = 'ReviewDecodeError'
}

const text = z.string().optional()
const reviewedObject = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.object({
    name: text,
    generateName: text,
    deletionTimestamp: text,
    uid: text,
    labels: z.record(z.string(), z.string()).optional(),
    generation: z.number().optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec: z.unknown().optional(),
  status: z.unknown().optional(),
})
const nullable = reviewedObject.nullish().transform((object) => object ?? undefined)

/** Whoever authenticates API keys names the key here, by its id. Users cannot: it takes the right to impersonate `userextras`. */
const apiKeyExtra = 'mnemos.dev/api-key'
const extra = z
  .record(
    z.string(),
    z
      .array(z.string())
      .nullable()
      .transform((values) => values ?? []),
  )
  .nullish()
  .transform((values) => values ?? undefined)

const admissionReview = z.object({
  apiVersion: z.literal('admission.k8s.io/v1'),
  kind: z.literal('AdmissionReview'),
  request: z.object({
    uid: z.string().min(1).max(128),
    kind: z.object({ group: z.string(), kind: z.string() }),
    operation: z.enum(['CREATE', 'UPDATE', 'DELETE', 'CONNECT']),
    namespace: text,
    subResource: text,
    dryRun: z.boolean().optional(),
    userInfo: z.object({ username: z.string().optional(), uid: text, groups: z.array(z.string()).optional(), extra }),
    object: nullable,
    oldObject: nullable,
  }),
})

export interface DecodedReview {
  readonly uid: string
  readonly dryRun: boolean
  /** undefined for a subresource: the registration asks for none, and there is nothing of ours to judge. */
  readonly request: ReviewRequest | undefined
}

/** @throws JsonTextError, ReviewDecodeError */
export function decodeReview(body: Uint8Array, stage: ReviewRequest['stage']): DecodedReview {
  const parsed = admissionReview.safeParse(parseJsonText(body))
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.join('.') ?? ''
    throw new ReviewDecodeError(`the body is no AdmissionReview of admission.k8s.io/v1${where === '' ? '' : ` (at ${where})`}`)
  }
  const { uid, kind, operation, namespace, subResource, dryRun = false, userInfo, object, oldObject } = parsed.data.request
  if (subResource !== undefined && subResource !== '') return { uid, dryRun, request: undefined }
  if (object === undefined && operation !== 'DELETE' && operation !== 'CONNECT') {
    throw new ReviewDecodeError(`the AdmissionReview of a ${operation} has no object`)
  }
  const apiKey = userInfo.extra?.[apiKeyExtra]?.[0]
  const request = {
    stage,
    operation,
    ...kind,
    namespace,
    userName: userInfo.username ?? '',
    groups: userInfo.groups,
    userUid: userInfo.uid,
    userExtra: userInfo.extra,
    apiKey,
    object,
    oldObject,
  }
  return { uid, dryRun, request }
}

/** The answer's body. */
export function encodeReview(uid: string, verdict: Verdict): string {
  const { allowed, status, warnings, patch } = verdict
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      uid,
      allowed,
      ...(status === undefined ? {} : { status: { status: 'Failure', ...status } }),
      ...(warnings.length === 0 ? {} : { warnings }),
      ...(patch === undefined ? {} : { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }),
    },
  })
}
