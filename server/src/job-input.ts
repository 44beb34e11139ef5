/** A submitted body as a Job: the object itself, or the short form; everything that is wrong with it is said at once. */
import { apiVersion, jobKind, judge } from '@mnemos/api'
import { shortJob } from '@mnemos/contract'
import type { KubeObject } from '@mnemos/kube'
import { z } from 'zod'
import { type Details, detailOf, invalid } from './findings.ts'
import { Refusal } from './refusal.ts'
import { nameFor, requestMark, type Submitter } from './submission.ts'

export interface Submission extends Submitter {
  /** From the query, for bodies that name none. */
  readonly namespace: string
}

const texts = z.record(z.string(), z.string())
/** What is read here of metadata; the rest of it is the API server's to judge. */
const writtenMetadata = z.looseObject({
  name: z.string().nullish(),
  generateName: z.string().nullish(),
  namespace: z.string().nullish(),
  labels: texts.nullish(),
  annotations: texts.nullish(),
})
const written = z.looseObject({ kind: z.literal(jobKind.kind), metadata: writtenMetadata.nullish() })

/** @throws Refusal MNEMOS_INVALID with every finding, or MNEMOS_BAD_REQUEST */
export function jobFrom(body: unknown, { namespace, ...submitter }: Submission): KubeObject {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Refusal('MNEMOS_BAD_REQUEST', 'The body must be a Job as JSON, or its short form {kind, model_ref, spec}.')
  const given = 'apiVersion' in body ? (body as Record<string, unknown>) : fromShortForm(body)
  const parsed = written.safeParse(given)
  const findings = judge(jobKind, given, { unknownFields: 'report' })
  if (!parsed.success || findings.length > 0) throw invalid(nameOf(given), [...detailsOf(parsed.error), ...findings.map(detailOf)])
  const { name, generateName, annotations, ...kept } = present(parsed.data.metadata ?? {})
  const marked = { ...annotations, ...requestMark(body, submitter) }
  const metadata = {
    namespace,
    ...kept,
    name: name === undefined || name === '' ? nameFor(prefixOf(generateName), submitter) : name,
    ...(Object.keys(marked).length === 0 ? {} : { annotations: marked }),
  }
  // judge found nothing wrong, so it is a Job.
  return { ...given, metadata } as unknown as KubeObject
}

function nameOf(given: Readonly<Record<string, unknown>>): string {
  const { data } = z.looseObject({ metadata: z.looseObject({ name: z.string().min(1) }) }).safeParse(given)
  return data === undefined ? 'The Job' : `Job ${data.metadata.name}`
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

/** Issues as details; each unknown key is one, under its own name. */
function detailsOf(error: z.ZodError | undefined): Details {
  return (error?.issues ?? []).flatMap((issue) => {
    const detail = (path: readonly PropertyKey[], message: string): Details[number] => ({
      field: path.join('.'),
      path: `/${path.join('/')}`,
      message,
    })
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => detail([...issue.path, key], 'is not a field here'))
    if (issue.code === 'invalid_value') return [detail(issue.path, `must be ${issue.values.join(' or ')}`)]
    if (issue.code === 'invalid_type') return [detail(issue.path, `must be ${typeNames[issue.expected] ?? issue.expected}`)]
    return [detail(issue.path, issue.message)]
  })
}

/** A null is an absent field, as the API server reads it. */
function present<T extends object>(object: T): { [K in keyof T]: NonNullable<T[K]> | undefined } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null)) as {
    [K in keyof T]: NonNullable<T[K]> | undefined
  }
}

function prefixOf(generateName: string | undefined): string {
  return generateName === undefined || generateName === '' ? 'job-' : generateName.slice(0, 50)
}

function fromShortForm(body: object): Record<string, unknown> {
  const parsed = shortJob.safeParse(body)
  if (!parsed.success) {
    const details = detailsOf(parsed.error)
    throw new Refusal(
      'MNEMOS_INVALID',
      `The short form is {kind: "inference", model_ref, spec: {prompt, params}}: ${details.map(({ field, message }) => `${field}: ${message}`).join('; ')}`,
      { details },
    )
  }
  // The body as it came: what the short form does not know stays in it, for judge to refuse with a suggestion.
  const { model_ref, modelRef, name, namespace, spec } = body as z.output<typeof shortJob>
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
