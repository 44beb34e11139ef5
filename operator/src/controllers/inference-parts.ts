/** What an inference is given beside its Model, at the moment when a worker gets it. */
import type { Job } from '@mnemos/api'
import type { InferenceParts } from '@mnemos/contract'
import { inferenceInputs } from '@mnemos/domain'
import type { Reader } from '@mnemos/kube'
import { jobs } from '../resources.ts'
import { personalDataOf } from './policed.ts'

export function partsOf(reader: Reader, job: Job, now: number): InferenceParts {
  const { namespace = '' } = job.metadata
  const inputs = inferenceInputs(job, (name) => reader.get(jobs, { namespace, name }))
  // A Job whose output was there when this one was given out, and is deleted now: the worker says that the text is missing.
  return { inputs: inputs !== undefined && 'mistake' in inputs ? [] : inputs, personalData: personalDataOf(reader, job, now) }
}
