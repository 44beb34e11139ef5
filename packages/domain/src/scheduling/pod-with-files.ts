/** The pod of an attempt with whatever its files need, or why there can be none (yet). */
import type { Job } from '@mnemos/api'
import type { KubeObject } from '@mnemos/kube'
import type { Failure } from './attempt-ends.ts'
import { inputFiles, movesFiles } from './container-files.ts'
import { podOfAttempt } from './dedicated-pod.ts'
import { inferencePod } from './inference-pod.ts'
import type { JobWorld, OwnPods } from './job-world.ts'
import { sidecarParts } from './sidecar.ts'

/**
 * - `missing`: what must be there first, in a sentence
 * - `failure`: an input can never be had
 */
export type MadePod = { readonly made: KubeObject } | { readonly missing: string } | { readonly failure: Failure }

export function podWithFiles({ job, dependencies }: JobWorld, { sidecar, personalData }: OwnPods, attempt: number): MadePod {
  const { container } = job.spec
  if (container === undefined) {
    if ('missing' in sidecar) return sidecar
    const made = inferencePod(job, attempt, { ...sidecar, personalData })
    return made === undefined ? { missing: noWorkerImage } : { made }
  }
  if (!movesFiles(container)) return { made: podOfAttempt(job, container, attempt) }
  const inputs = inputFiles(job, (wanted) => dependencies.find(({ name }) => name === wanted)?.job)
  if ('mistake' in inputs) return { failure: inputMistake(inputs.mistake) }
  if ('missing' in sidecar) return sidecar
  const { image } = sidecar
  if (image === undefined) return { missing: noSidecarImage }
  return { made: podOfAttempt(job, container, attempt, sidecarParts(job, { container, attempt, inputs }, { ...sidecar, image })) }
}

const noSidecarImage = 'inputs and outputs need a sidecar; set MNEMOS_SIDECAR_IMAGE of the operator'
const noWorkerImage = 'an inference in a pod of its own needs an image; set MNEMOS_WORKER_IMAGE of the operator'

/** What is missing for the pods of a Job, whatever its inputs; undefined when nothing is. */
export function missingFor({ spec }: Job, { sidecar }: OwnPods): string | undefined {
  if (spec.container !== undefined && !movesFiles(spec.container)) return undefined
  if ('missing' in sidecar) return sidecar.missing
  if (spec.container === undefined) return sidecar.workerImage === undefined ? noWorkerImage : undefined
  return sidecar.image === undefined ? noSidecarImage : undefined
}

/** An input that no attempt will find. */
function inputMistake(mistake: string): Failure {
  return { class: 'BadInput', reason: 'InputMissing', message: `${mistake}.`, hint: 'Correct spec.container.inputs in a new Job.' }
}
