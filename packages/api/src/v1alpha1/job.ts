/**
 * Job: one piece of LLM work, tried until it succeeds, fails for good or is cancelled.
 *
 * Its transition rules are the fence of the whole system (design §3.2): the API server itself refuses a status that goes
 * back, so two operators that both believe they lead cannot harm a Job. Each rule stands as deep as it can: the API server
 * spends time on every field that a rule walks through, at each of the three writes of a Job.
 */
import { z } from 'zod'
import { conditions } from '../conditions.ts'
import { defineKind, type InputOf, type ObjectOf } from '../kind.ts'
import { mapOf, mark, type Rule, rule } from '../schema.ts'
import { fence, frozenFieldsOf } from './frozen.ts'
import { containerWork, inferenceInputs, jobPlacement, jobPodMetadata, jobResources } from './job-container.ts'
import { digestPattern } from './model.ts'
import { dnsName, objectReference } from './references.ts'

/** Largest prompt (or all messages together) that may stand in the object itself, in bytes of UTF-8; larger input goes by URI. */
export const maxInlineInputBytes = 16_384
/** Largest result that is repeated in the status, in bytes; the stored object is always whole. */
export const maxInlineResultBytes = 4096

/** Text that counts by its bytes, not its characters: a page of Chinese is three times as long in etcd as it looks. */
const inlineText = rule(z.string().max(maxInlineInputBytes), {
  rule: `size(bytes(self)) <= ${maxInlineInputBytes}`,
  message: `has more than ${maxInlineInputBytes} bytes of UTF-8 (16 KiB)`,
})

const parameters = z.object({
  maxTokens: z.int32().min(1).max(131_072).default(256).describe('Most tokens to generate.'),
  temperature: z.number().min(0).max(2).optional().describe('Sampling temperature; the engine decides when absent.'),
  topP: z.number().min(0).max(1).optional().describe('Nucleus sampling: share of probability mass to sample from.'),
  topK: z.int32().min(0).max(1000).optional().describe('Sample only from the k likeliest tokens; 0 is no limit.'),
  seed: z.int32().min(0).optional().describe('Seed of the sampler; the same seed, model and engine repeat the answer.'),
  stop: z.array(z.string().min(1).max(64)).max(8).optional().describe('Texts that end the answer.'),
})

const inference = rule(
  z.object({
    modelRef: objectReference.describe('The Model that answers.'),
    prompt: inlineText.min(1).optional().describe('The text to continue or answer (at most 16 KiB).'),
    messages: z
      .array(
        z.object({
          role: z.enum(['system', 'user', 'assistant']).describe('Who says it.'),
          content: inlineText.describe('What is said.'),
        }),
      )
      .max(64)
      .optional()
      .describe('A conversation; the model writes its next message.'),
    inputs: inferenceInputs
      .optional()
      .describe('Texts by reference, UTF-8, of at most 1 MiB each: what is too large for the Job, or comes from another one.'),
    parameters: parameters.default({ maxTokens: 256 }).describe('How tokens are chosen.'),
  }),
  {
    rule: 'has(self.prompt) != has(self.messages)',
    message: 'exactly one of prompt and messages must be given',
    reason: 'FieldValueInvalid',
  },
)

const maintenance = z.object({
  task: z.enum(['ImportModel']).describe('The built-in task to run.'),
  parameters: mapOf(z.string().max(2048))
    .optional()
    .describe('Parameters of the task. ImportModel: uri, digest when one is demanded, and key: the object that a job:// stands for.'),
})

const { frozen, frozenPresence } = frozenFieldsOf('Job')

/** The blocks of which a Job has exactly one. */
export const workTypes = ['inference', 'container', 'maintenance'] as const
export type WorkType = (typeof workTypes)[number]
/** What only a Job with a pod of its own has. */
const podFields = ['resources', 'placement', 'podMetadata'] as const
const onlyWithPod: readonly Rule[] = podFields.map((field) => ({
  rule: `!has(self.${field}) || has(self.container) || (has(self.inference) && has(self.placement) && has(self.placement.dedicated) && self.placement.dedicated)`,
  message: 'only a Job with container, or an inference with placement.dedicated, has a pod of its own; remove it',
  fieldPath: `.${field}`,
  reason: 'FieldValueForbidden',
}))

export const priorities = ['critical', 'high', 'normal', 'low'] as const
export type Priority = (typeof priorities)[number]

const spec = mark(
  z.object({
    inference: frozen('inference', inference).optional().describe('Ask a model.'),
    container: frozen('container', containerWork).optional().describe('Run any image, in a pod of its own for each attempt.'),
    resources: frozen('resources', jobResources)
      .optional()
      .describe('What the pod asks of its node. Only with container or placement.dedicated.'),
    placement: frozen('placement', jobPlacement)
      .optional()
      .describe('Where the pod may run. Only with container, or with dedicated: true.'),
    podMetadata: frozen('podMetadata', jobPodMetadata)
      .optional()
      .describe('Labels and annotations of the pod. Only with container or placement.dedicated.'),
    maintenance: frozen('maintenance', maintenance).optional().describe('A task of the platform itself.'),
    queue: dnsName.default('default').describe('The Queue that the Job waits in.'),
    priority: z.enum(priorities).default('normal').describe('Who goes first in a queue: critical, high, normal, low.'),
    dependsOn: frozen('dependsOn', z.array(dnsName).max(32))
      .optional()
      .describe('Jobs of the same namespace that must have succeeded first.'),
    deadlines: z
      .object({
        queueSeconds: z.int32().min(1).max(2_592_000).optional().describe('Longest wait from creation to the first start.'),
        runSeconds: z.int32().min(1).max(2_592_000).optional().describe('Longest run of one attempt.'),
      })
      .optional()
      .describe('When to give up.'),
    retry: frozen(
      'retry',
      z.object({
        limit: z.int32().min(0).max(100).default(3).describe('Failed attempts after which the Job is given up.'),
      }),
    )
      .default({ limit: 3 })
      .describe('How failures are retried.'),
    ttlSecondsAfterFinished: frozen('ttlSecondsAfterFinished', z.int32().min(0))
      .optional()
      .describe('Delete the Job this long after it ended; kept when absent.'),
    suspend: z.boolean().default(false).describe('Hold the Job: it is not started while true.'),
    cancel: rule(z.boolean(), fence('!oldSelf || self', 'cancel cannot be taken back'))
      .default(false)
      .describe('Stop the Job for good. Once true it stays true.'),
  }),
  {
    rules: [
      {
        rule: `${workTypes.map((type) => `(has(self.${type}) ? 1 : 0)`).join(' + ')} == 1`,
        message: 'exactly one of inference, container and maintenance must be given',
      },
      ...onlyWithPod,
      ...[...workTypes, ...podFields, 'dependsOn', 'ttlSecondsAfterFinished'].map(frozenPresence),
    ],
  },
)

export const phases = ['Pending', 'Scheduled', 'Running', 'Retrying', 'Succeeded', 'Failed', 'Cancelled'] as const
export type Phase = (typeof phases)[number]

/** Failure classes: what went wrong decides whether, and how soon, the Job is tried again. */
export const failureClasses = [
  'BadInput',
  'ModelUnavailable',
  'EngineCrashed',
  'ContainerFailed',
  'OutOfMemory',
  'NodeLost',
  'Released',
  'Preempted',
  'DeadlineExceeded',
  'StorageUnavailable',
  'DependencyFailed',
  'DiskFull',
  'Internal',
] as const
export type FailureClass = (typeof failureClasses)[number]

const time = z.iso.datetime()

const workerReference = z.object({
  name: z.string().max(253).describe('Name of the Worker, or <namespace>/<name> of the pod of a container.'),
  instance: z
    .string()
    .max(64)
    .describe('Random name of that process; a restarted worker has another. Of a pod: UID of the Job and number of the attempt.'),
})

/** Written with the status that issues the attempt: which bytes answered can be told when Model and alias have moved on. */
const modelUsed = z.object({
  name: dnsName.describe('The Model that the Job names.'),
  namespace: dnsName.describe('Its namespace.'),
  digest: z.string().max(71).regex(digestPattern).describe('SHA-256 of its bytes at that time.'),
  target: dnsName.optional().describe('Of an alias: the Model that it led to.'),
})

const terminal = "['Succeeded','Failed','Cancelled']"

const status = rule(
  z.object({
    phase: rule(z.enum(phases), fence(`self == oldSelf || !(oldSelf in ${terminal})`, 'a terminal phase never changes'))
      .default('Pending')
      .describe('Where the Job is.'),
    observedGeneration: z.int().min(0).default(0).describe('The generation of the spec that this status describes.'),
    attempt: rule(z.int32().min(0), fence('self >= oldSelf', 'attempt never falls'))
      .default(0)
      .describe('Number of the newest attempt; the fence: it never falls.'),
    failures: z.int32().min(0).default(0).describe('Attempts that count against retry.limit.'),
    worker: workerReference.optional().describe('Who runs the newest attempt.'),
    model: modelUsed.optional().describe('The Model of an inference as the newest attempt was given it.'),
    scheduledAt: time.optional().describe('When the newest attempt was issued.'),
    startedAt: time.optional().describe('When the newest attempt started.'),
    finishedAt: time.optional().describe('When the Job ended.'),
    retryAt: time.optional().describe('When the next attempt may start.'),
    queue: z
      .object({
        position: z.int32().min(1).optional().describe('Place in the queue, 1 is next.'),
        reasons: z.array(z.string().max(256)).max(8).default([]).describe('What keeps the Job from starting.'),
        startEta: time.optional().describe('Estimated start.'),
      })
      .optional()
      .describe('Why the Job waits, and until when.'),
    progress: z
      .object({
        percent: z.int32().min(0).max(100).optional().describe('Share done.'),
        tokens: z.int32().min(0).optional().describe('Tokens generated so far.'),
        bytes: z.int().min(0).optional().describe('Bytes moved so far.'),
        totalBytes: z.int().min(0).optional().describe('Bytes to move.'),
        message: z.string().max(256).optional().describe('What is being done.'),
      })
      .optional()
      .describe('How far the newest attempt is.'),
    usage: z
      .object({
        promptTokens: z.int32().min(0).default(0).describe('Tokens read.'),
        completionTokens: z.int32().min(0).default(0).describe('Tokens written.'),
        durationMs: z.int().min(0).default(0).describe('Time the engine worked, in milliseconds.'),
      })
      .optional()
      .describe('What the committed attempt used.'),
    result: z
      .object({
        uri: z.string().max(1024).describe('Where the whole result is: artifact://<key>.'),
        sha256: z
          .string()
          .max(64)
          .regex(/^[a-f0-9]{64}$/)
          .describe('SHA-256 of the stored object.'),
        sizeBytes: z.int().min(0).describe('Size of the stored object.'),
        inline: z.string().max(maxInlineResultBytes).optional().describe('The result itself when it is at most 4 KiB.'),
      })
      .optional()
      .describe('What came out.'),
    logs: z
      .string()
      .max(1024)
      .optional()
      .describe('Where the log of the newest attempt is kept: artifact://<key>. Only where a recorder stores the logs of containers.'),
    failure: z
      .object({
        class: z.enum(failureClasses).describe('Kind of failure.'),
        reason: z.string().max(64).describe('Why, as one word.'),
        message: z.string().max(1024).describe('Why, as a sentence.'),
        hint: z.string().max(512).optional().describe('What to do about it.'),
      })
      .optional()
      .describe('Why the newest failed attempt, or the Job, failed.'),
    attempts: z
      .array(
        z.object({
          attempt: z.int32().min(1).describe('Number of the attempt.'),
          worker: z.string().max(253).optional().describe('Worker that had it.'),
          startedAt: time.optional().describe('When it was issued.'),
          endedAt: time.optional().describe('When it ended.'),
          outcome: z.string().max(64).describe('How it ended: Succeeded, Cancelled or a failure class.'),
          message: z.string().max(256).optional().describe('Detail.'),
        }),
      )
      .max(10)
      .default([])
      .describe('The last ten attempts that ended, oldest first.'),
    conditions: conditions.default([]),
  }),
  fence(
    'self.attempt != oldSelf.attempt || !has(oldSelf.worker) || (has(self.worker) && self.worker == oldSelf.worker)',
    'worker is fixed within an attempt',
    '.worker',
  ),
)

/** What an update may not do that concerns more than one block. */
const fences: readonly Rule[] = [
  fence('!has(oldSelf.status) || has(self.status)', 'status cannot be removed', '.status'),
  fence(
    "self.spec.queue == oldSelf.spec.queue || !has(oldSelf.status) || oldSelf.status.phase == 'Pending'",
    'queue may change only while the Job is Pending',
    '.spec.queue',
  ),
]

export const jobKind = defineKind({
  kind: 'Job',
  plural: 'mnemosjobs',
  singular: 'mnemosjob',
  shortName: 'mnjob',
  scope: 'Namespaced',
  description: 'One piece of LLM work: queued, explained, retried and fenced.',
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
        message: 'The Job was accepted and waits to be looked at for the first time.',
        lastTransitionTime: '1970-01-01T00:00:00Z',
      },
    ],
  },
  rules: fences,
  columns: [
    { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
    { name: 'Reason', type: 'string', jsonPath: '.status.conditions[0].reason' },
    { name: 'Attempt', type: 'integer', jsonPath: '.status.attempt' },
    { name: 'Worker', type: 'string', jsonPath: '.status.worker.name', priority: 1 },
    { name: 'Tokens', type: 'integer', jsonPath: '.status.usage.completionTokens', priority: 1 },
    { name: 'Queue', type: 'string', jsonPath: '.spec.queue', priority: 1 },
    { name: 'Priority', type: 'string', jsonPath: '.spec.priority', priority: 1 },
    { name: 'Waits', type: 'string', jsonPath: '.status.queue.reasons[0]', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  selectableFields: ['.status.phase', '.spec.queue', '.spec.priority'],
})

export type Job = ObjectOf<typeof jobKind>
export type JobInput = InputOf<typeof jobKind>
export type JobSpec = z.output<typeof spec>
export type JobStatus = z.output<typeof status>
export type Inference = z.output<typeof inference>
