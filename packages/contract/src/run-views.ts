/** What is told of a run beside the object itself: its pieces of work, what they left behind, where that comes from. */
import { runPhases, stepPhases } from '@mnemos/api'
import { z } from 'zod'

/** A page of anything; without `continue` it is the last. */
export const pageOf = <S extends z.ZodType>(item: S) =>
  z.object({ items: z.array(item), metadata: z.object({ continue: z.string().optional() }) })

const step = z.string().describe('Name of the step.')
const item = z.int().min(0).optional().describe('Place in the list of a step with forEach, from 0 on.')

/** One piece of work: a step, or one instance of a step with forEach. */
export const runStep = z.object({
  step,
  item,
  type: z.string().describe('inference, container, gate, …; `unknown` when the revision is gone.'),
  phase: z.enum(stepPhases),
  why: z.string().optional().describe('Why it was skipped.'),
  job: z.string().optional().describe('Name of its Job; of a call of another pipeline that of the PipelineRun.'),
  attempt: z.int().optional(),
  worker: z.string().optional(),
  startedAt: z.string().optional(),
  finishedAt: z.string().optional(),
  message: z.string().optional().describe('Why it failed, or what it waits for.'),
})
export type RunStep = z.output<typeof runStep>

/** Something that a piece of work left in the artifact store. */
export const runArtifact = z.object({
  step,
  item,
  output: z.string().describe('Name of the output; `result` is what an inference answered, as JSON.'),
  uri: z.string().describe('artifact://<key>'),
  sha256: z.string(),
  sizeBytes: z.int(),
  mediaType: z.string().optional().describe('What the Pipeline says that it is.'),
  job: z.string(),
  attempt: z.int(),
})
export type RunArtifact = z.output<typeof runArtifact>

const lineageInput = z.object({
  from: z.string().describe('As the Job names it: artifact://…, or job://<job>/<output>; `job://<job>` for one that had only to end.'),
  job: z.string().optional().describe('The Job that made it.'),
  sha256: z.string().optional(),
})

/** One artifact with everything that made it. */
export const lineageNode = z.object({
  artifact: z.object({
    uri: z.string(),
    output: z.string(),
    sha256: z.string(),
    sizeBytes: z.int(),
    mediaType: z.string().optional(),
  }),
  step: z.string().optional(),
  item,
  job: z.string(),
  attempt: z.int(),
  model: z.object({ name: z.string(), namespace: z.string().optional(), digest: z.string().optional() }).optional(),
  inputs: z.array(lineageInput),
  after: z.array(z.string()).describe('Steps that the step waited for or took values from.'),
  run: z.string().optional(),
  pipeline: z.string().optional(),
  revision: z.int().optional(),
})
export type LineageNode = z.output<typeof lineageNode>

export const lineage = z.object({
  run: z.string().optional(),
  pipeline: z.string().optional(),
  revision: z.int().optional(),
  nodes: z.array(lineageNode).describe('What was asked about first, then what it was made of.'),
  isWhole: z.boolean().describe('false: there is more than is told here.'),
  metadata: z.object({ continue: z.string().optional() }).optional(),
})
export type Lineage = z.output<typeof lineage>

/** One immutable spec that a Pipeline had. */
export const pipelineRevision = z.object({
  revision: z.int(),
  name: z.string().describe('Name of its ControllerRevision.'),
  createdAt: z.string().optional(),
  isCurrent: z.boolean().describe('Whether new runs use it.'),
  spec: z.looseObject({}).optional().describe('Only where one revision is asked for.'),
})
export type PipelineRevision = z.output<typeof pipelineRevision>

export const pipelineDiff = z.object({
  from: z.int(),
  to: z.int(),
  changes: z.array(
    z.object({
      pointer: z.string().describe('JSON Pointer into the spec; of what is gone, into the older one.'),
      from: z.unknown().optional().describe('Absent: it was added.'),
      to: z.unknown().optional().describe('Absent: it was removed.'),
    }),
  ),
  isWhole: z.boolean().describe('false: only the first 1,000 changes are listed.'),
  text: z.string().describe('The same as a unified diff of YAML.'),
})
export type PipelineDiff = z.output<typeof pipelineDiff>

/** Data of the event `run`. */
export const runChange = z.object({ phase: z.enum(runPhases), status: z.looseObject({}) })
