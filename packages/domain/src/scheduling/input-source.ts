/**
 * Where what a Job is given is in the artifact store: `artifact://<key>` of an output or of a file that people put there, or
 * `job://<job>/<output>`.
 *
 * Guarantees: keys are of the Job's own namespace; of another Job they are those of its committed attempt.
 */
import type { Job } from '@mnemos/api'
import { statusOf, uidOf } from './job-status.ts'

/** Why an input can never be had: a sentence. */
export interface InputMistake {
  readonly mistake: string
}

/** An object, or with `part` the text of a result. */
export interface FoundInput {
  readonly key: string
  readonly part?: 'text'
}

/** A text that an inference is given. */
export interface InferenceInput extends FoundInput {
  readonly name: string
}

/** Where everything is that an attempt leaves behind. */
export function attemptPrefix(job: Job, attempt: number): string {
  return `outputs/${job.metadata.namespace ?? ''}/${uidOf(job)}/a${attempt}/`
}

/** Names of the Jobs whose outputs are inputs of this one. */
export function inputJobs({ spec }: Job): readonly string[] {
  return [...(spec.container?.inputs ?? []), ...(spec.inference?.inputs ?? [])].flatMap(({ from }) => sourceOf(from)?.job ?? [])
}

/**
 * The texts of an inference; undefined when it asks for none.
 * @param jobNamed the Jobs of the namespace that have succeeded
 */
export function inferenceInputs(
  job: Job,
  jobNamed: (name: string) => Job | undefined,
): readonly InferenceInput[] | InputMistake | undefined {
  const wanted = job.spec.inference?.inputs
  if (wanted === undefined) return undefined
  const texts: InferenceInput[] = []
  for (const { name, from } of wanted) {
    const found = keyOfInput(job, from, jobNamed)
    if ('mistake' in found) return found
    texts.push({ name, ...found })
  }
  return texts
}

/**
 * @param owner whose input it is
 * @param jobNamed the Jobs of the namespace that have succeeded
 */
export function keyOfInput(
  owner: Pick<Job, 'metadata'>,
  from: string,
  jobNamed: (name: string) => Job | undefined,
): FoundInput | InputMistake {
  const { namespace = '' } = owner.metadata
  const source = sourceOf(from)
  if (source === undefined) {
    const key = from.slice('artifact://'.length)
    const places = [`outputs/${namespace}/`, `files/${namespace}/`]
    const isOwn = places.some((place) => key.startsWith(place)) && !key.split('/').some(isNoName)
    return isOwn ? { key } : { mistake: `input ${from} is not of namespace ${namespace}; keys of it begin with ${places.join(' or ')}` }
  }
  const giver = jobNamed(source.job)
  if (giver === undefined) return { mistake: `input ${from} names Job ${source.job}, which is not there` }
  const prefix = attemptPrefix(giver, statusOf(giver).attempt)
  if (giver.spec.inference !== undefined) {
    if (source.output === 'result') return { key: `${prefix}result.json` }
    if (source.output === 'text') return { key: `${prefix}result.json`, part: 'text' }
  }
  const names = giver.spec.inference === undefined ? (giver.spec.container?.outputs ?? []).map(({ name }) => name) : ['text', 'result']
  if (names.includes(source.output)) return { key: `${prefix}files/${source.output}` }
  const known = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`
  return { mistake: `Job ${source.job} has no output ${source.output}; ${known}` }
}

/** Whether a part of a key would lead elsewhere. */
function isNoName(part: string): boolean {
  return ['', '.', '..'].includes(part)
}

function sourceOf(from: string): { readonly job: string; readonly output: string } | undefined {
  const [, job, output] = /^job:\/\/([^/]+)\/([^/]+)$/.exec(from) ?? []
  return job === undefined || output === undefined ? undefined : { job, output }
}
