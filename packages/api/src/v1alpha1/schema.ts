/** Schema: what objects of a kind must look like beyond what the kind demands, as a JSON Schema 2020-12 document with versions. */
import { z } from 'zod'
import { conditions } from '../conditions.ts'
import { defineKind, type InputOf, type ObjectOf } from '../kind.ts'
import { opaque } from '../schema.ts'

/** Whether documents that fit one version must fit another; the transitive ones ask it of all versions that are kept. */
export const schemaCompatibilities = [
  'NONE',
  'BACKWARD',
  'FORWARD',
  'FULL',
  'BACKWARD_TRANSITIVE',
  'FORWARD_TRANSITIVE',
  'FULL_TRANSITIVE',
] as const

/** Versions that are kept; the oldest go first. */
export const maxSchemaVersions = 10

/** Bytes of one document, as JSON. */
export const maxSchemaBytes = 64 * 1024

const target = z.object({
  kind: z
    .string()
    .max(63)
    .regex(/^[A-Z][A-Za-z]*$/)
    .describe('The kind whose objects are judged, of the group mnemos.dev.'),
  at: z
    .string()
    .max(256)
    .regex(/^(\/[^/]+)*$/)
    .default('/spec')
    .describe('JSON Pointer of the part that is judged. An object without that part is not judged.'),
  families: z
    .array(z.string().min(1).max(63).describe('A value of `spec.family`.'))
    .min(1)
    .max(32)
    .optional()
    .describe('Only objects whose `spec.family` is one of these; all when absent.'),
})

const spec = z.object({
  document: opaque(
    'A JSON Schema 2020-12 document of at most 64 KiB; formats are checked. It may refer only into itself: nothing is fetched.',
  ),
  appliesTo: z
    .array(target.describe('Objects that are judged.'))
    .max(16)
    .default([])
    .describe('What is judged by it at admission; nothing when empty.'),
  mode: z
    .enum(['Enforce', 'Warn', 'Off'])
    .default('Enforce')
    .describe('Whether objects that do not fit are refused, admitted with a Warning, or not looked at.'),
  compatibility: z
    .enum(schemaCompatibilities)
    .default('BACKWARD')
    .describe(
      'What a changed document must keep: BACKWARD, that what fitted still fits; FORWARD, that what will fit would have fitted; FULL, both.',
    ),
  version: z.int32().min(1).optional().describe('The accepted version that is in force; the newest when absent. Set it to roll back.'),
})

const status = z.object({
  observedGeneration: z.int().min(0).default(0).describe('The generation of the spec that this status describes.'),
  inForce: z.int32().min(1).optional().describe('The version by which objects are judged.'),
  latest: z.int32().min(1).optional().describe('The newest accepted version.'),
  versions: z
    .array(
      z.object({
        version: z.int32().min(1).describe('Counts accepted documents, from 1.'),
        acceptedAt: z.iso.datetime().describe('When it was accepted (RFC 3339).'),
        document: z.string().max(131_072).describe('The document, as JSON text: as text it is kept to the letter, nulls included.'),
      }),
    )
    .max(maxSchemaVersions)
    .optional()
    .describe('The newest accepted versions, oldest first; at most 10, and 512 KiB together.'),
  incompatibility: z
    .object({
      version: z.int32().min(1).describe('The version that the refused document was compared with.'),
      path: z.string().max(256).describe('JSON Pointer into the counter-example.'),
      message: z.string().max(1024).describe('What is different.'),
      counterExample: z.string().max(4096).describe('A document that one of both accepts and the other refuses, as JSON; cut when long.'),
    })
    .optional()
    .describe('Why the document of the spec was not accepted, when it is not compatible.'),
  conditions: conditions.default([]),
})

export const schemaKind = defineKind({
  kind: 'Schema',
  plural: 'mnemosschemas',
  singular: 'mnemosschema',
  shortName: 'mnschema',
  scope: 'Cluster',
  description: 'A JSON Schema that objects of MNEMOS are held to, with its accepted versions.',
  spec,
  status,
  statusDefault: {},
  rules: [],
  columns: [
    { name: 'Mode', type: 'string', jsonPath: '.spec.mode' },
    { name: 'Compatibility', type: 'string', jsonPath: '.spec.compatibility', priority: 1 },
    { name: 'Version', type: 'integer', jsonPath: '.status.inForce' },
    { name: 'Latest', type: 'integer', jsonPath: '.status.latest' },
    { name: 'Ready', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
    { name: 'Reason', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].reason" },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  selectableFields: [],
})

export type Schema = ObjectOf<typeof schemaKind>
export type SchemaInput = InputOf<typeof schemaKind>
export type SchemaStatus = z.output<typeof status>
export type SchemaTarget = z.output<typeof target>
