/** Model: where a language model comes from, and what is known about its bytes once they are verified. */
import { z } from 'zod'
import { conditions } from '../conditions.ts'
import { defineKind, type InputOf, type ObjectOf } from '../kind.ts'
import { mapOf, mark, type Rule } from '../schema.ts'
import { workerResources } from './pod-template.ts'
import { allowedNamespaces, dnsName, objectReference } from './references.ts'

export const digestPattern = /^sha256:[a-f0-9]{64}$/

/** What MNEMOS itself resolves is written as the objects are named; the rest is read by whoever fetches it. */
const sourceUri =
  /^((s3|https|hf|oci|pvc|file):\/\/.+|artifact:\/\/[A-Za-z0-9][A-Za-z0-9._/-]*|job:\/\/[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[a-z0-9]([-a-z0-9]*[a-z0-9])?|model:\/\/[a-z0-9]([-a-z0-9.]*[a-z0-9])?)$/

const source = z.object({
  uri: z
    .string()
    .min(1)
    .max(2048)
    .regex(sourceUri)
    .describe(
      'Where the bytes are: s3://, https://, hf://, oci://, pvc://, file:// (development), job://<job>/<output> (waits for that Job), artifact://<key> of this namespace, or model://<name>: an alias of another Model of this namespace.',
    ),
  digest: z
    .string()
    .max(71)
    .regex(digestPattern)
    .optional()
    .describe('SHA-256 the bytes must have, as sha256:<64 hex digits>. Absent: the import pins what it found in status.digest.'),
  secretRef: z
    .object({ name: dnsName.describe('Name of the Secret.') })
    .optional()
    .describe('Secret in the same namespace with credentials for the source; mounted only where the import runs.'),
})

const replicas = z.int32().min(0).max(1000)
const servingRules: readonly Rule[] = [
  {
    rule: 'has(self.poolRef) != has(self.resources)',
    message: 'exactly one of poolRef and resources must be given',
    reason: 'FieldValueInvalid',
  },
  ...(['minReplicas', 'maxReplicas'] as const).map(
    (field): Rule => ({
      rule: `!has(self.poolRef) || !has(self.${field})`,
      message: 'is decided by the WorkerPool of poolRef; remove it here',
      fieldPath: `.${field}`,
      reason: 'FieldValueForbidden',
    }),
  ),
  {
    rule: '!has(self.minReplicas) || !has(self.maxReplicas) || self.minReplicas <= self.maxReplicas',
    message: 'must be at least minReplicas',
    fieldPath: '.maxReplicas',
    reason: 'FieldValueInvalid',
  },
]

const serving = mark(
  z.object({
    poolRef: objectReference.optional().describe('WorkerPool whose workers keep the model in memory; it must allow this namespace.'),
    resources: workerResources
      .optional()
      .describe(
        'A WorkerPool of its own is made, whose workers ask this of their nodes. For placement on nodes, make a pool and use poolRef.',
      ),
    minReplicas: replicas.optional().describe('Fewest workers of the own pool; 1 when absent.'),
    maxReplicas: replicas.optional().describe('Most workers of the own pool; as many as minReplicas, and at least 1, when absent.'),
  }),
  { rules: servingRules },
)

const runtime = z.object({
  engine: z.enum(['llama-cpp', 'vllm', 'pytorch']).default('llama-cpp').describe('Engine that loads the model.'),
  parameters: mapOf(z.string().max(256)).optional().describe('Settings of the engine, as it names them.'),
})

const spec = z.object({
  source: source.describe('Where the bytes come from.'),
  family: z.string().min(1).max(64).optional().describe('Model family, e.g. llama; detected when absent.'),
  version: z.string().min(1).max(64).optional().describe('Version of the model as its makers call it.'),
  format: z.enum(['gguf', 'safetensors']).optional().describe('File format; detected when absent.'),
  license: z.string().min(1).max(128).optional().describe('SPDX expression; detected when absent.'),
  runtime: runtime.default({ engine: 'llama-cpp' }).describe('How the model is run. An alias is run as its target is.'),
  serving: serving
    .optional()
    .describe('Keeps the model loaded and answering. Ready then means that a token came out; without it, that the bytes are verified.'),
  allowedNamespaces: allowedNamespaces.default({ from: 'Same' }).describe('Namespaces whose Jobs may use the model.'),
})

const status = z.object({
  phase: z
    .enum(['Pending', 'Importing', 'Starting', 'Ready', 'Failed'])
    .default('Pending')
    .describe('Where the model is, for people; programs read conditions.'),
  observedGeneration: z.int().min(0).default(0).describe('The generation of the spec that this status describes.'),
  conditions: conditions.default([]),
  digest: z.string().max(71).regex(digestPattern).optional().describe('SHA-256 of the verified bytes.'),
  sizeBytes: z.int().min(0).optional().describe('Size of the verified bytes.'),
  artifact: z.string().max(512).optional().describe('Key of the bytes in the artifact store.'),
  target: dnsName.optional().describe('Of an alias: the Model whose bytes these are.'),
  runtime: runtime.optional().describe('Of an alias: how that Model is run, and so this one.'),
  importedBy: z.string().max(63).optional().describe('Import Job of the source that was verified; another source is imported anew.'),
  firstToken: z
    .object({
      generation: z.int().min(0).describe('The generation of the spec that was asked.'),
      digest: z.string().max(71).regex(digestPattern).describe('SHA-256 of the bytes that answered.'),
      at: z.iso.datetime().describe('When.'),
    })
    .optional()
    .describe('The last time that a warm-up made the model answer.'),
  endpoint: z
    .object({
      url: z
        .string()
        .max(512)
        .describe('URL of the server to which Jobs that ask the model are posted (POST /v1/jobs); no OpenAI-compatible route yet.'),
      model: dnsName.describe('Name by which a Job of this namespace asks for it (`modelRef.name`).'),
    })
    .optional()
    .describe('Where to ask a model that is being served.'),
  resolved: z
    .object({
      format: z.string().max(64).optional().describe('File format found.'),
      family: z.string().max(64).optional().describe('Architecture found in the file.'),
      name: z.string().max(128).optional().describe('Name found in the file.'),
      license: z.string().max(128).optional().describe('Licence found in the file.'),
      quantization: z.string().max(64).optional().describe('Quantization found in the file.'),
      contextLength: z.int().min(0).optional().describe('Context length in tokens found in the file.'),
      parameterCount: z.int().min(0).optional().describe('Number of parameters found in the file.'),
    })
    .optional()
    .describe('What was detected from the bytes.'),
  progress: z
    .object({
      bytes: z.int().min(0).describe('Bytes copied so far.'),
      total: z.int().min(0).describe('Bytes in all; 0 while unknown.'),
      percent: z.int().min(0).max(100).describe('Share done.'),
      etaSeconds: z.int().min(0).optional().describe('Estimated seconds left.'),
    })
    .optional()
    .describe('Progress of the import.'),
  cachedOn: z.array(dnsName).max(64).optional().describe('Workers whose cache holds the bytes (the first 64).'),
  loadedOn: z.array(dnsName).max(64).optional().describe('Workers that hold the model in memory (the first 64).'),
})

export const modelKind = defineKind({
  kind: 'Model',
  plural: 'mnemosmodels',
  singular: 'mnemosmodel',
  shortName: 'mnmodel',
  scope: 'Namespaced',
  description: 'A language model: where its bytes come from, how they are verified, who may use them.',
  spec,
  status,
  statusDefault: { phase: 'Pending' },
  rules: [],
  columns: [
    { name: 'Ready', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
    { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
    { name: 'Reason', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].reason" },
    { name: 'Progress', type: 'integer', jsonPath: '.status.progress.percent' },
    { name: 'Family', type: 'string', jsonPath: '.status.resolved.family', priority: 1 },
    { name: 'Target', type: 'string', jsonPath: '.status.target', priority: 1 },
    { name: 'Digest', type: 'string', jsonPath: '.status.digest', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  selectableFields: ['.status.phase'],
})

export type Model = ObjectOf<typeof modelKind>
export type ModelInput = InputOf<typeof modelKind>

/** How a Model is run: an alias as its target is. */
export function runtimeOf({ spec, status }: Pick<Model, 'spec' | 'status'>): Model['spec']['runtime'] {
  return status?.runtime ?? spec.runtime
}

export type ModelStatus = z.output<typeof status>
