/** The pod of an attempt with whatever its files need, or why there can be none (yet). */
import type { KubeObject } from '@mnemos/kube'
import type { Failure } from './attempt-ends.ts'
import { inputFiles, movesFiles } from './container-files.ts'
import { podOfAttempt } from './dedicated-pod.ts'
import type { JobWorld, OwnPods } from './job-world.ts'
import { sidecarParts } from './sidecar.ts'

/**
 * - `missing`: what must be there first, in a sentence
 * - `failure`: an input can never be had
 */
export type MadePod = { readonly made: KubeObject } | { readonly missing: string } | { readonly failure: Failure }

export function podWithFiles({ job, dependencies }: JobWorld, { sidecar }: OwnPods, attempt: number): MadePod {
  const { container } = job.spec
  if (container === undefined) return { missing: 'only a Job with container has a pod' }
  if (!movesFiles(container)) return { made: podOfAttempt(job, container, attempt) }
  const inputs = inputFiles(job, (wanted) => dependencies.find(({ name }) => name === wanted)?.job)
  if ('mistake' in inputs) return { failure: inputMistake(inputs.mistake) }
  if ('missing' in sidecar) return sidecar
  return { made: podOfAttempt(job, container, attempt, sidecarParts(job, { container, attempt, inputs }, sidecar)) }
}

/** An input that no attempt will find. */
function inputMistake(mistake: string): Failure {
  return { class: 'BadInput', reason: 'InputMissing', message: `${mistake}.`, hint: 'Correct spec.container.inputs in a new Job.' }
}
