/**
 * Pipeline: steps that wait for one another, each a Job (or a decision, a person, another pipeline), with typed parameters.
 *
 * What a step asks for may hold references where numbers and lists go, and there may be a thousand steps, so the CRD only bounds it:
 * the graph, the references and the work of each step are judged by admission and again by the operator (condition `GraphValid`).
 */
import { z } from 'zod'
import { conditions } from '../conditions.ts'
import { defineKind, type InputOf, type ObjectOf } from '../kind.ts'
import { anyValue, keyedBy, mark, opaque } from '../schema.ts'

/** Most steps that a pipeline may list; a step over a list has up to ten thousand instances besides. */
export const maxPipelineSteps = 1024

/** Names of steps: what `$(steps.<name>…)` says. */
export const stepName = z
  .string()
  .min(1)
  .max(40)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)

const valueName = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[A-Za-z0-9]([-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?$/)

/** A text in which references may stand. */
const template = z.string().max(16_384)
const expression = z.string().min(1).max(2048)
const number = z.number()
const count = z.int32().min(0)

const parameter = z.object({
  name: valueName.describe('Name: `$(params.<name>)`.'),
  type: z.enum(['string', 'number', 'integer', 'boolean', 'list', 'object']).default('string').describe('What its values are.'),
  description: z.string().max(1024).optional().describe('What it is for.'),
  default: anyValue('Its value when a run gives none; without it a run must give one.').optional(),
  enum: z.array(anyValue('A choice.')).max(64).optional().describe('The values there are to choose from.'),
  minimum: number.optional().describe('Least value of a number.'),
  maximum: number.optional().describe('Greatest value of a number.'),
  minLength: count.optional().describe('Least length of a string in characters, of a list in items.'),
  maxLength: count.optional().describe('Greatest length of a string in characters, of a list in items.'),
  pattern: z.string().max(512).optional().describe('Of strings: ECMA-262 without look-around; found anywhere unless anchored.'),
})

const forEach = z.object({
  items: anyValue('A list, or one reference to a list (at most 10,000 items); `$(item)` is the item of an instance.'),
  concurrency: z.int32().min(1).max(10_000).optional().describe('Most instances at once; all of them when absent.'),
  maxFailed: z.int32().min(0).max(10_000).default(0).describe('Instances that may fail before the step fails.'),
})

const gate = z.object({
  expression: expression.describe('CEL over params, steps and run; the step succeeds when it is true and fails when it is false.'),
  message: z.string().max(512).optional().describe('What a closed gate means.'),
})

const approvers = z.array(z.string().min(1).max(253)).max(64)
const approval = z.object({
  message: template.optional().describe('What is to be approved.'),
  users: approvers
    .optional()
    .describe('Users who may decide; with groups: one of either. Anybody who may change the run when both are absent.'),
  groups: approvers.optional().describe('Groups whose members may decide.'),
  byOther: z.boolean().default(false).describe('true: whoever asked for the run cannot decide.'),
})

const call = z.object({
  name: z.string().min(1).max(253).describe('Pipeline of the same namespace to run; its outputs are the outputs of the step.'),
  parameters: opaque('Parameters of that run.').optional(),
})

const publish = z.object({
  alias: z.string().min(1).max(253).describe('Model that people name. It becomes an alias (model://…) of the Model that the step makes.'),
  uri: z
    .string()
    .min(1)
    .max(2048)
    .describe('Where the bytes are: an output of a step ($(steps.train.artifacts.model)), or any source of a Model.'),
  digest: z.string().max(256).optional().describe('SHA-256 that the bytes must have, as sha256:<64 hex digits>.'),
  model: opaque('More of the spec of the Model: license, family, runtime, allowedNamespaces …').optional(),
})

const produced = z.object({
  name: valueName.describe('An output of the step.'),
  mediaType: z.string().min(1).max(127).optional().describe('What it is, e.g. application/json.'),
  schema: opaque('JSON Schema 2020-12 that its value must satisfy, or the step fails.').optional(),
})

const step = z.object({
  name: stepName.describe('Name: `$(steps.<name>.outputs.<output>)`.'),
  dependsOn: z.array(stepName).max(256).optional().describe('Steps that must have succeeded first, beside those that the step refers to.'),
  when: expression.optional().describe('CEL over params, steps, item and run; the step is skipped when it is false.'),
  forEach: forEach.optional().describe('One instance for each item of a list; each output is then the list of what the instances left.'),
  inference: opaque('Ask a model: as spec.inference of a Job.').optional(),
  container: opaque('Run any image: as spec.container of a Job.').optional(),
  training: opaque('Tune a model. There is no engine for it yet; such a step is refused.').optional(),
  embedding: opaque('Embed texts. There is no engine for it yet; such a step is refused.').optional(),
  gate: gate.optional().describe('Go on or stop, by what is known.'),
  approval: approval.optional().describe('Go on when a person says so, in spec.approvals of the run.'),
  pipeline: call.optional().describe('Run another pipeline.'),
  publish: publish.optional().describe('Make an immutable Model of an artifact, and move an alias to it.'),
  queue: z.string().max(253).optional().describe('Queue of its Jobs; that of the run when absent.'),
  priority: z.string().max(253).optional().describe('Priority of its Jobs; that of the run when absent.'),
  resources: opaque('As spec.resources of a Job.').optional(),
  placement: opaque('As spec.placement of a Job.').optional(),
  podMetadata: opaque('As spec.podMetadata of a Job.').optional(),
  retry: z
    .object({ limit: z.int32().min(0).max(100).default(3).describe('Failed attempts after which the step fails.') })
    .optional()
    .describe('How failures are retried; as spec.retry of a Job.'),
  timeoutSeconds: z.int32().min(1).max(2_592_000).optional().describe('Longest run of one attempt.'),
  queueSeconds: z.int32().min(1).max(2_592_000).optional().describe('Longest wait for a start.'),
  memoize: z
    .object({ maxAgeSeconds: z.int32().min(1).max(31_536_000).default(604_800).describe('Older results are made anew.') })
    .optional()
    .describe('Take the result of an earlier Job of this namespace that had the same inputs.'),
  breaker: z
    .object({ failures: z.int32().min(1).max(100).default(3).describe('Runs in a row.') })
    .optional()
    .describe('Pause before this step when it failed in the last runs of the same revision; an approval of the step lets it through.'),
  outputs: keyedBy(z.array(produced).max(32), 'name').optional().describe('What is known of outputs, and checked.'),
})

const steps = (most: number) => keyedBy(z.array(step).max(most), 'name')

const spec = mark(
  z.object({
    description: z.string().max(1024).optional().describe('What the pipeline is for.'),
    parameters: keyedBy(z.array(parameter).max(64), 'name').optional().describe('What a run is given.'),
    steps: steps(maxPipelineSteps).describe('What is done. The order is that of dependencies, not of the list.'),
    finally: steps(32).optional().describe('What is done when all steps have ended, however they did; also after a cancel.'),
    outputs: keyedBy(
      z
        .array(z.object({ name: valueName.describe('Name.'), value: template.describe('A text with references, or one reference.') }))
        .max(32),
      'name',
    )
      .optional()
      .describe('What a run leaves behind, in its status.'),
    concurrency: z.int32().min(1).max(10_000).optional().describe('Most Jobs of a run at once; no limit when absent.'),
    timeoutSeconds: z.int32().min(1).max(31_536_000).optional().describe('Longest run; then its Jobs are cancelled and it fails.'),
    revisionHistoryLimit: z.int32().min(1).max(100).default(10).describe('Revisions that are kept beside those in use.'),
  }),
  {
    rules: [{ rule: 'size(self.steps) > 0', message: 'at least one step is needed', fieldPath: '.steps', reason: 'FieldValueRequired' }],
  },
)

const status = z.object({
  observedGeneration: z.int().min(0).default(0).describe('The generation of the spec that this status describes.'),
  revision: z.int().min(1).optional().describe('Number of the revision that new runs use; of an invalid spec that of the last valid one.'),
  revisionName: z.string().max(253).optional().describe('Name of its ControllerRevision.'),
  steps: z.int32().min(0).optional().describe('Steps of that revision.'),
  conditions: conditions.default([]),
})

export const pipelineKind = defineKind({
  kind: 'Pipeline',
  plural: 'mnemospipelines',
  singular: 'mnemospipeline',
  shortName: 'mnpipe',
  scope: 'Namespaced',
  description: 'Steps of LLM work that wait for one another; each run uses one revision of them.',
  spec,
  status,
  statusDefault: {},
  rules: [],
  columns: [
    { name: 'Ready', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
    { name: 'Reason', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].reason" },
    { name: 'Steps', type: 'integer', jsonPath: '.status.steps' },
    { name: 'Revision', type: 'integer', jsonPath: '.status.revision' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  selectableFields: [],
})

export type Pipeline = ObjectOf<typeof pipelineKind>
export type PipelineInput = InputOf<typeof pipelineKind>
export type PipelineSpec = z.output<typeof spec>
export type PipelineStatus = z.output<typeof status>
export type PipelineStep = z.output<typeof step>
