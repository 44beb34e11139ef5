/** WorkerPool: workers of one shape. `external: true` is a pool whose processes somebody else starts; they join with a token. */
import { z } from 'zod'
import { conditions } from '../conditions.ts'
import { defineKind, type InputOf, type ObjectOf } from '../kind.ts'
import { keyedBy } from '../schema.ts'
import { allowedNamespaces, dnsName, objectReference } from './references.ts'

const spec = z.object({
  external: z.boolean().default(false).describe('The pool makes no pods: its workers are started elsewhere and join with a token.'),
  engines: z
    .array(z.enum(['llama-cpp', 'vllm', 'pytorch']))
    .min(1)
    .max(8)
    .default(['llama-cpp'])
    .describe('Engines that workers of this pool run.'),
  models: keyedBy(z.array(objectReference).max(32), 'name').optional().describe('Models to load ahead of the first Job (a hint).'),
  queue: dnsName.optional().describe('The Queue that pays for the pods of this pool.'),
  allowedNamespaces: allowedNamespaces.default({ from: 'Same' }).describe('Namespaces whose Jobs may run here.'),
})

const status = z.object({
  observedGeneration: z.int().min(0).default(0).describe('The generation of the spec that this status describes.'),
  workers: z.int32().min(0).default(0).describe('Workers that are known.'),
  ready: z.int32().min(0).default(0).describe('Workers that are connected and fresh.'),
  idle: z.int32().min(0).default(0).describe('Ready workers that run nothing.'),
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
    { name: 'Workers', type: 'integer', jsonPath: '.status.workers' },
    { name: 'Idle', type: 'integer', jsonPath: '.status.idle' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  selectableFields: [],
})

export type WorkerPool = ObjectOf<typeof workerPoolKind>
export type WorkerPoolInput = InputOf<typeof workerPoolKind>
export type WorkerPoolStatus = z.output<typeof status>
