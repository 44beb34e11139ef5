/**
 * The files that a container is given and leaves behind: where they are in the artifact store, and in which folders of the pod.
 *
 * Guarantees: keys of outputs are of one attempt, so no two attempts write the same; inputs are of the Job's own namespace.
 */
import type { ContainerWork, Job } from '@mnemos/api'
import { statusOf, uidOf } from './job-status.ts'

export interface InputFile {
  readonly path: string
  readonly key: string
}

export interface OutputFile {
  readonly name: string
  readonly path: string
  readonly key: string
}

/** Why an input can never be had: a sentence. */
export interface InputMistake {
  readonly mistake: string
}

/** Whether files are to be moved, so that a sidecar is needed. */
export function movesFiles({ inputs = [], outputs = [] }: ContainerWork): boolean {
  return inputs.length + outputs.length > 0
}

/** Where everything is that an attempt leaves behind. */
export function attemptPrefix(job: Job, attempt: number): string {
  return `outputs/${job.metadata.namespace ?? ''}/${uidOf(job)}/a${attempt}/`
}

export function outputFiles(job: Job, attempt: number): readonly OutputFile[] {
  const prefix = `${attemptPrefix(job, attempt)}files/`
  return (job.spec.container?.outputs ?? []).map(({ name, path }) => ({ name, path, key: `${prefix}${name}` }))
}

/** Names of the Jobs whose outputs are inputs of this one. */
export function inputJobs(job: Job): readonly string[] {
  return (job.spec.container?.inputs ?? []).flatMap(({ from }) => sourceOf(from)?.job ?? [])
}

/** @param jobNamed the Jobs of the namespace that have succeeded */
export function inputFiles(job: Job, jobNamed: (name: string) => Job | undefined): readonly InputFile[] | InputMistake {
  const files: InputFile[] = []
  for (const { path, from } of job.spec.container?.inputs ?? []) {
    const key = keyOfInput(job, from, jobNamed)
    if (typeof key !== 'string') return key
    files.push({ path, key })
  }
  return files
}

function keyOfInput(
  { metadata: { namespace = '' } }: Job,
  from: string,
  jobNamed: (name: string) => Job | undefined,
): string | InputMistake {
  const source = sourceOf(from)
  if (source === undefined) {
    const key = from.slice('artifact://'.length)
    const isOwn = key.startsWith(`outputs/${namespace}/`) && !key.split('/').some(isNoName)
    return isOwn ? key : { mistake: `input ${from} is not of namespace ${namespace}; keys of it begin with outputs/${namespace}/` }
  }
  const job = jobNamed(source.job)
  if (job === undefined) return { mistake: `input ${from} names Job ${source.job}, which is not there` }
  const names = (job.spec.container?.outputs ?? []).map(({ name }) => name)
  if (names.includes(source.output)) return `${attemptPrefix(job, statusOf(job).attempt)}files/${source.output}`
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

/** The folders of all files, sorted: each is a volume that container and sidecar share. */
export function sharedFolders({ inputs = [], outputs = [] }: ContainerWork): readonly string[] {
  return [...new Set([...inputs, ...outputs].map(({ path }) => folderOf(path)))].sort()
}

export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
