/** Worker: one process that runs Jobs. Made and owned by the operator; people only ask it to drain. */
import { z } from 'zod'
import { conditions } from '../conditions.ts'
import { defineKind, type InputOf, type ObjectOf } from '../kind.ts'
import { digestPattern } from './model.ts'
import { objectReference } from './references.ts'

const spec = z.object({
  poolRef: objectReference.describe('The WorkerPool that this Worker belongs to.'),
  drain: z.boolean().default(false).describe('Finish what runs, take nothing new.'),
})

const status = z.object({
  observedGeneration: z.int().min(0).default(0).describe('The generation of the spec that this status describes.'),
  instance: z.string().max(64).optional().describe('Random name of the connected process.'),
  state: z.enum(['Available', 'Busy', 'Draining', 'Suspect', 'Offline']).default('Offline').describe('What the Worker can take on.'),
  engines: z.array(z.string().max(64)).max(8).default([]).describe('Engines that it runs.'),
  slots: z.int32().min(0).default(0).describe('Jobs that it runs at once.'),
  running: z.int32().min(0).default(0).describe('Jobs that it runs now.'),
  version: z.string().max(64).optional().describe('Version of the worker program.'),
  models: z
    .array(
      z.object({
        digest: z.string().max(71).regex(digestPattern).describe('Digest of the model.'),
        state: z.enum(['Cached', 'Loaded']).describe('Cached on disk, or loaded in memory.'),
      }),
    )
    .max(128)
    .default([])
    .describe('Models that it holds.'),
  connectedAt: z.iso.datetime().optional().describe('When the process connected.'),
  conditions: conditions.default([]),
})

export const workerKind = defineKind({
  kind: 'Worker',
  plural: 'mnemosworkers',
  singular: 'mnemosworker',
  shortName: 'mnworker',
  scope: 'Namespaced',
  description: 'One process that runs Jobs.',
  spec,
  status,
  statusDefault: {},
  rules: [],
  columns: [
    { name: 'State', type: 'string', jsonPath: '.status.state' },
    { name: 'Pool', type: 'string', jsonPath: '.spec.poolRef.name' },
    { name: 'Running', type: 'integer', jsonPath: '.status.running' },
    { name: 'Slots', type: 'integer', jsonPath: '.status.slots' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  selectableFields: [],
})

export type Worker = ObjectOf<typeof workerKind>
export type WorkerInput = InputOf<typeof workerKind>
export type WorkerStatus = z.output<typeof status>
