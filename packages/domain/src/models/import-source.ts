/**
 * Where the bytes of a Model come from when MNEMOS has them already: the output of a Job, or an object of the namespace. They are
 * copied into the models prefix like all others, so that neither the Job's end of life nor its deletion matters afterwards.
 *
 * Guarantees: only what a Job of the Model's own namespace has left behind is read, and only of its committed attempt.
 */
import { type Job, type Model, type Reason, shownUri } from '@mnemos/api'
import { type InputMistake, keyOfInput } from '../scheduling/input-source.ts'
import { isTerminal, statusOf } from '../scheduling/job-status.ts'

/** - `key`: the object that the source stands for; undefined where a worker reads the URI itself */
export type ImportSource =
  | { readonly state: 'there'; readonly key: string | undefined }
  | { readonly state: 'awaited'; readonly reason: Reason; readonly message: string }
  | { readonly state: 'never'; readonly reason: Reason; readonly message: string }

/** The Job whose output a Model is made of; undefined for any other source. */
export function sourceJobOf({ spec }: Pick<Model, 'spec'>): string | undefined {
  return /^job:\/\/([^/]+)\//.exec(spec.source.uri)?.[1]
}

/** @param sourceJob the Job of the source, if it exists */
export function importSourceOf(model: Model, sourceJob: Job | undefined): ImportSource {
  const { uri } = model.spec.source
  if (uri.startsWith('artifact://')) {
    const found = keyOfInput(model, uri, () => undefined)
    return 'mistake' in found ? invalid(found) : { state: 'there', key: undefined }
  }
  const name = sourceJobOf(model)
  if (name === undefined) return { state: 'there', key: undefined }
  const reason = 'WaitingForJob'
  if (sourceJob === undefined) {
    const message = `Model ${model.metadata.name} waits for Job ${name}, which does not exist; create it, or correct spec.source.uri.`
    return { state: 'awaited', reason, message }
  }
  const { phase, failure } = statusOf(sourceJob)
  if (!isTerminal(sourceJob)) return { state: 'awaited', reason, message: `Model ${model.metadata.name} waits for Job ${name} to succeed.` }
  if (phase !== 'Succeeded') return { state: 'never', reason: 'SourceJobFailed', message: failedMessage(name, phase, failure?.message) }
  return outputOf(model, sourceJob)
}

function outputOf(model: Model, sourceJob: Job): ImportSource {
  const { uri } = model.spec.source
  const found = keyOfInput(model, uri, () => sourceJob)
  if ('mistake' in found) return invalid(found)
  if (found.part === undefined) return { state: 'there', key: found.key }
  return invalid({ mistake: `${shownUri(uri)} is a part of the answer of an inference, and no file` })
}

function failedMessage(name: string, phase: string, why: string | undefined): string {
  const told = why === undefined ? '' : ` (${why})`
  return `Job ${name}, whose output the Model is made of, is ${phase}${told}; create it again, or name another Job in spec.source.uri.`
}

function invalid({ mistake }: InputMistake): ImportSource {
  return { state: 'never', reason: 'SourceInvalid', message: `spec.source.uri cannot be had: ${mistake}; correct it.` }
}

/**
 * The object of the artifact store that an import reads; undefined when it reads its URI. The operator writes the key into the
 * import when the Job of a `job://` source has succeeded: the import may run when that Job is gone.
 */
export function importKeyOf(job: Job): { readonly key: string } | InputMistake | undefined {
  const { uri = '', key } = job.spec.maintenance?.parameters ?? {}
  if (uri.startsWith('artifact://')) return keyOfInput(job, uri, () => undefined)
  if (!uri.startsWith('job://')) return undefined
  if (key === undefined)
    return { mistake: `an import of ${shownUri(uri)} needs parameters.key, which the operator writes; make a Model of it` }
  return keyOfInput(job, `artifact://${key}`, () => undefined)
}
