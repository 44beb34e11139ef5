/**
 * PipelineRun: one execution of one revision of a Pipeline. Its steps are Jobs that it owns; its status is short however many they are.
 */
import { z } from 'zod'
import { conditions } from '../conditions.ts'
import { defineKind, type InputOf, type ObjectOf } from '../kind.ts'
import { anyValue, keyedBy, mark, opaque, rule } from '../schema.ts'
import { fence, frozenFieldsOf } from './frozen.ts'
import { priorities } from './job.ts'
import { maxPipelineSteps, stepName } from './pipeline.ts'
import { dnsName, objectReference } from './references.ts'

const time = z.iso.datetime()

const { frozen, frozenPresence } = frozenFieldsOf('run')

const retryFrom = z.object({
  run: dnsName.describe('An earlier run of the same Pipeline, which has ended.'),
  steps: z
    .array(stepName)
    .max(64)
    .optional()
    .describe(
      'Steps to do again, with all that comes after them; those that did not succeed when absent. What was finished before is kept.',
    ),
})

const override = z.object({
  step: stepName.describe('The step.'),
  image: z.string().min(1).max(512).optional().describe('Instead of the image of its container.'),
  modelRef: objectReference.optional().describe('Instead of the Model of its inference.'),
})

const decision = z.object({
  step: stepName.describe('The step that is decided about.'),
  decision: z.enum(['Approved', 'Rejected']).default('Approved').describe('What was decided.'),
  comment: z.string().max(1024).optional().describe('Why, in their words.'),
  by: z.string().max(253).optional().describe('Who decided. Set by MNEMOS.'),
  groups: z.array(z.string().max(253)).max(64).optional().describe('Groups of whoever decided. Set by MNEMOS.'),
  at: time.optional().describe('When. Set by MNEMOS.'),
})

const frozenFields = [
  'pipelineRef',
  'revision',
  'parameters',
  'retryFrom',
  'overrides',
  'queue',
  'priority',
  'ttlSecondsAfterFinished',
] as const

const spec = mark(
  z.object({
    pipelineRef: frozen('pipelineRef', z.object({ name: dnsName.describe('Name of the Pipeline, in the same namespace.') })).describe(
      'What is run.',
    ),
    revision: frozen('revision', z.int().min(1))
      .optional()
      .describe('Revision to run; the newest (of a retry: that of the earlier run) when absent.'),
    parameters: frozen('parameters', opaque('Values by the names of parameters.')).optional(),
    retryFrom: frozen('retryFrom', retryFrom).optional().describe('Keep what an earlier run has finished.'),
    overrides: frozen('overrides', keyedBy(z.array(override).max(64), 'step'))
      .optional()
      .describe('Changes of steps for this run alone.'),
    approvals: rule(
      z.array(decision).max(64),
      fence('size(self) >= size(oldSelf) && oldSelf.all(old, old in self)', 'a decision cannot be changed or taken back'),
    )
      .optional()
      .describe('What people decided about steps that wait for that; the first who may decides. Add to the end.'),
    queue: frozen('queue', dnsName).optional().describe('Queue of its Jobs, where a step names none.'),
    priority: frozen('priority', z.enum(priorities)).default('normal').describe('Priority of its Jobs, where a step names none.'),
    ttlSecondsAfterFinished: frozen('ttlSecondsAfterFinished', z.int32().min(0))
      .optional()
      .describe('Delete the run, and its Jobs with it, this long after it ended; kept when absent.'),
    suspend: z.boolean().default(false).describe('Start nothing new while true; what runs goes on.'),
    cancel: rule(z.boolean(), fence('!oldSelf || self', 'cancel cannot be taken back'))
      .default(false)
      .describe('Stop the run for good. Once true it stays true.'),
  }),
  {
    rules: [
      ...frozenFields.filter((field) => field !== 'pipelineRef' && field !== 'priority').map(frozenPresence),
      fence('!has(oldSelf.approvals) || has(self.approvals)', 'a decision cannot be taken back', '.approvals'),
    ],
  },
)

export const runPhases = ['Pending', 'Running', 'Paused', 'Succeeded', 'Failed', 'Cancelled'] as const
export type RunPhase = (typeof runPhases)[number]
export const stepPhases = ['Waiting', 'Running', 'Succeeded', 'Failed', 'Cancelled', 'Skipped'] as const
const skipReasons = ['Upstream', 'Condition', 'NoOutput', 'RunEnded'] as const

const stepStatus = z.object({
  name: stepName.describe('The step.'),
  phase: z.enum(stepPhases).describe('Where it is.'),
  why: z.enum(skipReasons).optional().describe('Why it was skipped.'),
  job: dnsName.optional().describe('Job whose result it has, where that is not its own: the same work was done before (memoize).'),
  run: dnsName.optional().describe('Run whose Jobs it has, where that is not this one: retryFrom kept what had succeeded.'),
  items: z
    .string()
    .max(70_000)
    .optional()
    .describe(
      'Phases of its instances in the order of the items, as letters with counts: S120R8W72 (Succeeded, Running, Waiting, Failed, Cancelled, N: skipped).',
    ),
  message: z.string().max(512).optional().describe('Why it failed, or what it waits for.'),
})

const terminal = "['Succeeded','Failed','Cancelled']"

const status = z.object({
  phase: rule(z.enum(runPhases), fence(`self == oldSelf || !(oldSelf in ${terminal})`, 'a terminal phase never changes'))
    .default('Pending')
    .describe('Where the run is.'),
  observedGeneration: z.int().min(0).default(0).describe('The generation of the spec that this status describes.'),
  revision: z.int().min(1).optional().describe('Number of the revision that is run.'),
  revisionName: z.string().max(253).optional().describe('Name of its ControllerRevision.'),
  startedAt: time.optional().describe('When the first step could start.'),
  finishedAt: time.optional().describe('When the run ended.'),
  progress: z
    .object({
      jobs: z.string().max(32).describe('Finished and all pieces of work that are known so far, as 12/40.'),
      percent: z.int32().min(0).max(100).describe('Share of the steps that have ended.'),
    })
    .optional()
    .describe('How far the run is.'),
  steps: keyedBy(z.array(stepStatus).max(maxPipelineSteps + 32), 'name')
    .default([])
    .describe('Steps that are more than waiting. Their Jobs hold the details: label mnemos.dev/pipeline-run.'),
  outputs: keyedBy(
    z.array(z.object({ name: z.string().max(63).describe('Name.'), value: anyValue('Value, at most 4 KiB as JSON.').optional() })).max(32),
    'name',
  )
    .optional()
    .describe('What the outputs of the Pipeline came to.'),
  artifacts: keyedBy(
    z
      .array(
        z.object({
          name: z.string().max(128).describe('<step>/<output>.'),
          uri: z.string().max(1024).describe('artifact://<key>.'),
          sha256: z.string().max(64).describe('SHA-256 of the bytes.'),
          sizeBytes: z.int().min(0).describe('Their number.'),
          mediaType: z.string().max(127).optional().describe('What the Pipeline says that it is.'),
        }),
      )
      .max(64),
    'name',
  )
    .optional()
    .describe('The first 64 files that steps left behind; the lineage of all of them is kept by their Jobs.'),
  conditions: conditions.default([]),
})

export const pipelineRunKind = defineKind({
  kind: 'PipelineRun',
  plural: 'mnemospipelineruns',
  singular: 'mnemospipelinerun',
  shortName: 'mnrun',
  scope: 'Namespaced',
  description: 'One execution of one revision of a Pipeline.',
  spec,
  status,
  statusDefault: {
    phase: 'Pending',
    conditions: [
      {
        type: 'Reconciling',
        status: 'True',
        reason: 'Pending',
        observedGeneration: 0,
        message: 'The run was accepted and waits to be looked at for the first time.',
        lastTransitionTime: '1970-01-01T00:00:00Z',
      },
    ],
  },
  rules: [fence('!has(oldSelf.status) || has(self.status)', 'status cannot be removed', '.status')],
  columns: [
    { name: 'Pipeline', type: 'string', jsonPath: '.spec.pipelineRef.name' },
    { name: 'Revision', type: 'integer', jsonPath: '.status.revision', priority: 1 },
    { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
    { name: 'Reason', type: 'string', jsonPath: '.status.conditions[0].reason' },
    { name: 'Done', type: 'string', jsonPath: '.status.progress.jobs' },
    { name: 'Message', type: 'string', jsonPath: '.status.conditions[0].message', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  selectableFields: ['.status.phase', '.spec.pipelineRef.name'],
})

export type PipelineRun = ObjectOf<typeof pipelineRunKind>
export type PipelineRunInput = InputOf<typeof pipelineRunKind>
export type PipelineRunSpec = z.output<typeof spec>
export type PipelineRunStatus = z.output<typeof status>
export type RunStepStatus = z.output<typeof stepStatus>
