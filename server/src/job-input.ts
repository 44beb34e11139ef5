/** A submitted body as a Job: the object itself, or the short form; everything that is wrong with it is said at once. */
import { createHash, randomBytes } from 'node:crypto'
import { apiVersion, jobKind, judge } from '@mnemos/api'
import { shortJob } from '@mnemos/contract'
import type { KubeObject } from '@mnemos/kube'
import { Refusal } from './refusal.ts'

export interface Submission {
  readonly namespace: string
  /** From the query, for bodies that name none. */
  readonly idempotencyKey: string | undefined
  readonly userName: string
}

export const requestDigestAnnotation = 'mnemos.dev/request-sha256'

/** @throws Refusal MNEMOS_INVALID with every finding, or MNEMOS_BAD_REQUEST */
export function jobFrom(body: unknown, { namespace, idempotencyKey, userName }: Submission): KubeObject {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Refusal('MNEMOS_BAD_REQUEST', 'The body must be a Job as JSON, or its short form {kind, model_ref, spec}.')
  const given = 'apiVersion' in body ? (body as Record<string, unknown>) : fromShortForm(body)
  const metadata = typeof given['metadata'] === 'object' && given['metadata'] !== null ? (given['metadata'] as Record<string, unknown>) : {}
  const name = typeof metadata['name'] === 'string' ? metadata['name'] : nameFor(metadata['generateName'], idempotencyKey, userName)
  const { generateName: _generateName, ...kept } = metadata
  const digest = createHash('sha256').update(JSON.stringify(body)).digest('hex')
  const annotations = {
    ...(kept['annotations'] as Record<string, string> | undefined),
    ...(idempotencyKey === undefined ? {} : { [requestDigestAnnotation]: digest }),
  }
  const job = { ...given, metadata: { namespace, ...kept, name, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) } }
  const findings = judge(jobKind, job, { unknownFields: 'report' })
  if (findings.length > 0) {
    const details = findings
      .slice(0, 100)
      .map(({ field, path, message, suggestion }) => ({ field, path, message, ...(suggestion === undefined ? {} : { suggestion }) }))
    throw new Refusal(
      'MNEMOS_INVALID',
      `Job ${name} is invalid: ${details.map((each) => `${each.field}: ${each.message}${each.suggestion === undefined ? '' : ` (${each.suggestion})`}`).join('; ')}`,
      { details },
    )
  }
  // judge found nothing wrong, so it is a Job.
  return job as unknown as KubeObject
}

function nameFor(generateName: unknown, idempotencyKey: string | undefined, userName: string): string {
  const prefix = typeof generateName === 'string' && generateName !== '' ? generateName.slice(0, 50) : 'job-'
  if (idempotencyKey === undefined) return `${prefix}${randomBytes(5).toString('hex')}`
  return `${prefix}${createHash('sha256').update(`${userName}\0${idempotencyKey}`).digest('hex').slice(0, 12)}`
}

function fromShortForm(body: object): Record<string, unknown> {
  const parsed = shortJob.safeParse(body)
  if (!parsed.success) {
    const details = parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), path: `/${path.join('/')}`, message }))
    throw new Refusal(
      'MNEMOS_INVALID',
      `The short form is {kind: "inference", model_ref, spec: {prompt, params}}: ${details.map(({ field, message }) => `${field}: ${message}`).join('; ')}`,
      { details },
    )
  }
  const { model_ref, modelRef, name, namespace, spec } = parsed.data
  const model = modelRef ?? model_ref
  if (model === undefined)
    throw new Refusal('MNEMOS_INVALID', 'model_ref is missing: name the Model that is to answer.', {
      details: [{ field: 'model_ref', path: '/model_ref', message: 'required' }],
    })
  const { max_tokens: maxTokens, top_p: topP, top_k: topK, ...rest } = spec.params ?? {}
  const parameters = Object.fromEntries(Object.entries({ maxTokens, topP, topK, ...rest }).filter(([, value]) => value !== undefined))
  const { params: _params, ...input } = spec
  return {
    apiVersion,
    kind: 'Job',
    metadata: { ...(name === undefined ? {} : { name }), ...(namespace === undefined ? {} : { namespace }) },
    spec: { inference: { modelRef: { name: model }, ...input, ...(Object.keys(parameters).length === 0 ? {} : { parameters }) } },
  }
}
