/**
 * WorkerPool: workers of one shape. It makes pods, one worker in each; with `external: true` it is a pool whose processes
 * somebody else starts, which join with a token.
 */
import { z } from 'zod'
import { conditions } from '../conditions.ts'
import { defineKind, type InputOf, type ObjectOf } from '../kind.ts'
import { keyedBy, mark, quantity, type Rule, rule } from '../schema.ts'
import { podTemplate, resourceClaim, workerResources } from './pod-template.ts'
import { allowedNamespaces, dnsName, objectReference } from './references.ts'

/** Engines that a worker may run. */
export const engines = ['llama-cpp', 'vllm', 'pytorch'] as const

/** How many workers a pool may have. */
export const scaling = rule(
  z.object({
    minReplicas: z.int32().min(0).max(10_000).default(1).describe('Fewest workers.'),
    maxReplicas: z.int32().min(0).max(10_000).describe('Most workers.'),
  }),
  {
    rule: 'self.minReplicas <= self.maxReplicas',
    message: 'must be at least minReplicas',
    fieldPath: '.maxReplicas',
    reason: 'FieldValueInvalid',
  },
)

const cache = z.object({
  sizeLimit: quantity().default('20Gi').describe('Room for models and results on each worker; 90 % of it are for models.'),
  volumeClaim: z
    .object({
      storageClassName: dnsName.optional().describe("StorageClass of the claim; the cluster's default when absent."),
    })
    .optional()
    .describe('Each worker gets a volume claim of its own that goes with its pod. Absent: room on the node (emptyDir).'),
})

const madeByPods = ['resources', 'resourceClaims', 'scaling', 'podTemplate', 'cache'] as const
/** What only pods have cannot be asked of a pool that makes none. */
const forbiddenWhenExternal: readonly Rule[] = madeByPods.map((field) => ({
  rule: `!self.external || !has(self.${field})`,
  message: 'a pool with external: true makes no pods; remove it, or set external to false',
  fieldPath: `.${field}`,
  reason: 'FieldValueForbidden',
}))

const spec = mark(
  z.object({
    external: z.boolean().default(false).describe('The pool makes no pods: its workers are started elsewhere and join with a token.'),
    engines: z.array(z.enum(engines)).min(1).max(8).default(['llama-cpp']).describe('Engines that workers of this pool run.'),
    models: keyedBy(z.array(objectReference).max(32), 'name').optional().describe('Models to load ahead of the first Job (a hint).'),
    queue: dnsName.optional().describe('The Queue that pays for the pods of this pool.'),
    allowedNamespaces: allowedNamespaces.default({ from: 'Same' }).describe('Namespaces whose Jobs may run here.'),
    replicas: z
      .int32()
      .min(0)
      .max(10_000)
      .default(1)
      .describe('How many workers, within the bounds of scaling; also set by `kubectl scale` and autoscalers. Unused with external.'),
    scaling: scaling.optional().describe('Bounds for the number of workers.'),
    slots: z.int32().min(1).max(64).default(1).describe('Jobs that one worker runs at once. Unused with external.'),
    resources: workerResources
      .optional()
      .describe('What each worker asks of its node. Absent: requests of 500m cpu and 1Gi memory, no limits.'),
    resourceClaims: keyedBy(z.array(resourceClaim).max(8), 'name')
      .optional()
      .describe('Devices by dynamic resource allocation (DRA); every worker uses all of them.'),
    podTemplate: podTemplate.optional().describe('What is laid over the pods.'),
    cache: cache.optional().describe('Where workers keep models. Absent: 20Gi on the node.'),
    network: z
      .enum(['Closed', 'Sources', 'Open'])
      .default('Closed')
      .describe(
        'What the pods may reach. Closed: name resolution and MNEMOS alone. Sources: also HTTPS (port 443) outside of private address ranges, for Models imported from there. Open: no NetworkPolicy is made. Unused with external.',
      ),
    terminationGracePeriodSeconds: z
      .int()
      .min(30)
      .max(86_400)
      .default(600)
      .describe('How long a worker that is to go may finish what it runs, in seconds. Unused with external.'),
  }),
  { rules: forbiddenWhenExternal },
)

const status = z.object({
  observedGeneration: z.int().min(0).default(0).describe('The generation of the spec that this status describes.'),
  replicas: z.int32().min(0).default(0).describe('Pods of the pool; Workers, if it is external.'),
  selector: z.string().max(512).optional().describe('Label selector of the pods, for autoscalers.'),
  workers: z.int32().min(0).default(0).describe('Workers that are known.'),
  ready: z.int32().min(0).default(0).describe('Workers that are connected and fresh.'),
  idle: z.int32().min(0).default(0).describe('Ready workers that run nothing.'),
  scaling: z
    .object({
      desired: z.int32().min(0).describe('How many workers there are to be.'),
      reason: z.string().max(256).describe('Why, in a sentence.'),
    })
    .optional()
    .describe('The last decision on the number of workers.'),
  conditions: conditions.default([]),
})

export const workerPoolKind = defineKind({
  kind: 'WorkerPool',
  plural: 'mnemosworkerpools',
  singular: 'mnemosworkerpool',
  shortName: 'mnpool',
  scope: 'Namespaced',
  description: 'Workers of one shape.',
  spec,
  status,
  statusDefault: {},
  rules: [],
  columns: [
    { name: 'Ready', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
    { name: 'Reason', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].reason" },
    { name: 'Desired', type: 'integer', jsonPath: '.status.scaling.desired' },
    { name: 'Workers', type: 'integer', jsonPath: '.status.workers' },
    { name: 'Idle', type: 'integer', jsonPath: '.status.idle' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  selectableFields: [],
  scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' },
})

export type WorkerPool = ObjectOf<typeof workerPoolKind>
export type WorkerPoolInput = InputOf<typeof workerPoolKind>
export type WorkerPoolStatus = z.output<typeof status>
export type WorkerPoolSpec = WorkerPool['spec']
