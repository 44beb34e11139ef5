/**
 * The files that a container is given and leaves behind: where they are in the artifact store, and in which folders of the pod.
 *
 * Guarantees: keys of outputs are of one attempt, so no two attempts write the same; inputs are of the Job's own namespace.
 */
import type { ContainerWork, Job } from '@mnemos/api'
import { attemptPrefix, type InputMistake, keyOfInput } from './input-source.ts'

export interface InputFile {
  readonly path: string
  readonly key: string
}

export interface OutputFile {
  readonly name: string
  readonly path: string
  readonly key: string
  /** The result says what is in it. */
  readonly inline?: true
  /** JSON Schema that it must satisfy. */
  readonly schema?: object
}

/** Whether files are to be moved, so that a sidecar is needed. */
export function movesFiles({ inputs = [], outputs = [] }: ContainerWork): boolean {
  return inputs.length + outputs.length > 0
}

export function outputFiles(job: Job, attempt: number): readonly OutputFile[] {
  const prefix = `${attemptPrefix(job, attempt)}files/`
  return (job.spec.container?.outputs ?? []).map(({ name, path, inline, schema }) => ({
    ...{ name, path, key: `${prefix}${name}` },
    ...(inline === true ? { inline } : {}),
    ...(schema === undefined ? {} : { schema }),
  }))
}

/** @param jobNamed the Jobs of the namespace that have succeeded */
export function inputFiles(job: Job, jobNamed: (name: string) => Job | undefined): readonly InputFile[] | InputMistake {
  const files: InputFile[] = []
  for (const { path, from } of job.spec.container?.inputs ?? []) {
    const found = keyOfInput(job, from, jobNamed)
    if ('mistake' in found) return found
    if (found.part !== undefined)
      return { mistake: `input ${from} is a part of a result; a container reads the whole, ${from.replace(/text$/, 'result')}` }
    files.push({ path, key: found.key })
  }
  return files
}

/** The folders of all files, sorted: each is a volume that container and sidecar share. */
export function sharedFolders({ inputs = [], outputs = [] }: ContainerWork): readonly string[] {
  return [...new Set([...inputs, ...outputs].map(({ path }) => folderOf(path)))].sort()
}

export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
