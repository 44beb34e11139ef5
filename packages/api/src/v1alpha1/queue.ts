/** Queue: where Jobs wait. A Job that names none waits in `default`, which is unlimited until somebody configures it. */
import { z } from 'zod'
import { conditions } from '../conditions.ts'
import { defineKind, type InputOf, type ObjectOf } from '../kind.ts'
import { priorities } from './job.ts'
import { labelSelector } from './references.ts'

const spec = z.object({
  namespaceSelector: labelSelector.optional().describe('Namespaces whose Jobs may wait here; all when absent.'),
  maxPriority: z.enum(priorities).default('critical').describe('The highest priority that Jobs of this queue may ask for.'),
})

/** Nothing has a default here: no controller counts yet, and a 0 that nobody counted would be a lie (and InProgress to kstatus). */
const status = z.object({
  observedGeneration: z.int().min(0).optional().describe('The generation of the spec that this status describes.'),
  pending: z.int32().min(0).optional().describe('Jobs that wait.'),
  running: z.int32().min(0).optional().describe('Jobs that are scheduled or run.'),
  conditions: conditions.default([]),
})

export const queueKind = defineKind({
  kind: 'Queue',
  plural: 'mnemosqueues',
  singular: 'mnemosqueue',
  shortName: 'mnqueue',
  scope: 'Cluster',
  description: 'A line in which Jobs wait for their turn.',
  spec,
  status,
  statusDefault: {},
  rules: [],
  columns: [
    { name: 'Pending', type: 'integer', jsonPath: '.status.pending' },
    { name: 'Running', type: 'integer', jsonPath: '.status.running' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  selectableFields: [],
})

export type Queue = ObjectOf<typeof queueKind>
export type QueueInput = InputOf<typeof queueKind>
