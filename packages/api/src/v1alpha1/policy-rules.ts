/**
 * What a Policy or ClusterPolicy can demand: the objects it looks at, its rules, how strict it is.
 *
 * The names `tokenQuota`, `gpuQuota`, `concurrencyQuota` and `budget` are left free: those count what runs, and belong to the
 * ledger of queues.
 */
import { z } from 'zod'
import { mapOf, mark, quantity, type Rule, rule, setOf } from '../schema.ts'
import { priorities } from './job.ts'
import { dnsName, labelSelector } from './references.ts'

export const policyModes = ['Enforce', 'Warn', 'Audit'] as const
export type PolicyMode = (typeof policyModes)[number]

/** Kinds that a policy can look at. */
export const policedKinds = ['Job', 'Model', 'WorkerPool', 'Queue', 'Pipeline', 'PipelineRun'] as const
export type PolicedKind = (typeof policedKinds)[number]

export const piiEntities = ['Email', 'Phone', 'SSN', 'Card', 'Passport', 'IP', 'IBAN', 'PostalAddress'] as const
export type PiiEntityName = (typeof piiEntities)[number]
export const piiActions = ['Allow', 'Warn', 'Redact', 'Block'] as const
export type PiiAction = (typeof piiActions)[number]

/** What a worker does about personal data in the input and the output of an inference; kinds that are not named are left alone. */
export const personalDataActions = z.partialRecord(z.enum(piiEntities), z.enum(['Redact', 'Block']))
export type PersonalDataActions = z.output<typeof personalDataActions>

/** Classes of licences, as data in packages/domain/src/policies/license-classes.ts. */
export const licenseClasses = [
  'NonCommercial',
  'NoDerivatives',
  'Copyleft',
  'Attribution',
  'UseRestricted',
  'Permissive',
  'PublicDomain',
] as const
export type LicenseClass = (typeof licenseClasses)[number]

const pattern = z.string().min(1).max(256)
/** Names in which `*` stands for any run of characters. */
const patterns = (what: string): z.ZodArray<typeof pattern> => setOf(z.array(pattern).min(1).max(64)).describe(what)
const expression = z.string().min(1).max(1024)

const atLeastOne = (...fields: readonly string[]): Rule => ({
  rule: fields.map((field) => `has(self.${field})`).join(' || '),
  message: `at least one of ${fields.join(', ')} must be given`,
  reason: 'FieldValueRequired',
})

const lists = (what: string, forms: string) =>
  mark(
    z.object({
      allow: patterns(`Only these ${what} are allowed: ${forms}`).optional(),
      deny: patterns(`These ${what} are refused, whatever allow says: ${forms}`).optional(),
    }),
    { rules: [atLeastOne('allow', 'deny')] },
  )

const pii = z.object({
  default: z.enum(piiActions).default('Block').describe('What happens to entities that are not named below.'),
  entities: rule(mapOf(z.enum(piiActions), { maxKeys: piiEntities.length, maxKeyLength: 16 }), {
    rule: `self.all(key, key in [${piiEntities.map((entity) => `'${entity}'`).join(', ')}])`,
    message: `the entities are ${piiEntities.join(', ')}`,
  })
    .optional()
    .describe(
      `Action for single entities (${piiEntities.join(', ')}): Allow, Warn, Redact (only the input of a Job, when it is created; blocked elsewhere) or Block.`,
    ),
})

const license = mark(
  z.object({
    allow: setOf(z.array(z.string().min(1).max(128)).min(1).max(64))
      .optional()
      .describe(
        'SPDX licences of which the expression must be satisfiable, e.g. Apache-2.0, `GPL-2.0-only WITH Classpath-exception-2.0`, LicenseRef-acme.',
      ),
    deny: setOf(z.array(z.string().min(1).max(128)).min(1).max(64))
      .optional()
      .describe('SPDX licences that no way of satisfying the expression may need.'),
    denyClasses: setOf(z.array(z.enum(licenseClasses)).min(1).max(licenseClasses.length))
      .optional()
      .describe('Classes of licences that are refused, e.g. NonCommercial, Copyleft.'),
    unknown: z
      .enum(['Deny', 'Allow'])
      .default('Deny')
      .describe(
        'What to do with a licence that is no SPDX expression or of no known class. A licence that is still to be detected is judged once it is.',
      ),
  }),
  { rules: [atLeastOne('allow', 'deny', 'denyClasses')] },
)

const limits = mark(
  z.object({
    maxPriority: z.enum(priorities).optional().describe('The highest priority that a Job may ask for.'),
    maxTokens: z.int32().min(1).optional().describe('Most tokens that a Job may generate (`inference.parameters.maxTokens`).'),
    maxRunSeconds: z.int32().min(1).optional().describe('Longest `deadlines.runSeconds`; a Job without one is refused.'),
    maxRetries: z.int32().min(0).optional().describe('Highest `retry.limit`.'),
    resources: mapOf(quantity(), { maxKeyLength: 317 })
      .optional()
      .describe('Most of each resource that a container of a Job, or a pod of a WorkerPool, may ask for, e.g. `nvidia.com/gpu: 2`.'),
  }),
  { rules: [atLeastOne('maxPriority', 'maxTokens', 'maxRunSeconds', 'maxRetries', 'resources')] },
)

const rateLimit = z.object({
  requests: z.int32().min(1).max(1_000_000).describe('Objects that may be created in one window.'),
  windowSeconds: z.int32().min(1).max(86_400).default(60).describe('Length of the window in seconds.'),
  per: z
    .enum(['User', 'Namespace', 'Key', 'Policy'])
    .default('User')
    .describe('Who is counted: each requester, each namespace, each API key (of the requester when there is none), or all together.'),
  algorithm: z
    .enum(['SlidingWindow', 'TokenBucket'])
    .default('SlidingWindow')
    .describe('SlidingWindow: never more than `requests` in any window. TokenBucket: `requests` per window on average, `burst` at once.'),
  burst: z.int32().min(1).max(1_000_000).optional().describe('Size of the bucket of a TokenBucket; `requests` when absent.'),
  onStoreFailure: z.enum(['Deny', 'Allow']).default('Deny').describe('What to do while the counters cannot be reached.'),
})

/** Money with up to nine decimals: text, because binary fractions lose cents. */
const amount = z
  .string()
  .max(24)
  .regex(/^[0-9]{1,12}(\.[0-9]{1,9})?$/)

const cost = z.object({
  currency: z
    .string()
    .length(3)
    .regex(/^[A-Z]{3}$/)
    .default('USD')
    .describe('ISO 4217 code of the prices.'),
  prices: z
    .array(
      z.object({
        models: patterns('Names of Models, as `name` or `namespace/name`; `*` stands for any run of characters.'),
        perMillionInputTokens: amount.default('0').describe('Price of a million tokens read.'),
        perMillionOutputTokens: amount.default('0').describe('Price of a million tokens written.'),
      }),
    )
    .max(64)
    .default([])
    .describe('Price book of Models; the first entry that names the Model counts.'),
  perGpuHour: amount.optional().describe('Price of one `nvidia.com/gpu` for an hour, for containers; needs `deadlines.runSeconds`.'),
  warnAbove: amount.default('0').describe('Estimates above this are told to the user.'),
  denyAbove: amount.optional().describe('Estimates above this are refused (in mode Enforce).'),
})

const ruleTypes = ['pii', 'license', 'sources', 'models', 'images', 'requireDigest', 'limits', 'cost', 'rateLimit', 'expression'] as const
export type PolicyRuleType = (typeof ruleTypes)[number]

const policyRule = mark(
  z.object({
    name: dnsName.max(63).describe('Name of the rule, unique in the policy; messages, metrics and exceptions name it.'),
    message: z.string().max(512).optional().describe('What to do about it, in your own words; shown after what was found.'),
    pii: pii.optional().describe('Personal data in any text.'),
    license: license.optional().describe('Licence of a Model, also of the one that a Job uses.'),
    sources: lists('sources', '`scheme://host/path`, where `*` stands for any run of characters within host or path.')
      .optional()
      .describe('Where bytes of a Model may come from, also of the one that a Job uses.'),
    models: lists('Models', '`name` or `namespace/name`, where `*` stands for any run of characters.')
      .optional()
      .describe('Models that a Job may use.'),
    images: lists('images', '`registry/path:tag`, where `*` stands for any run of characters.')
      .optional()
      .describe('Images that a container of a Job may run.'),
    requireDigest: z
      .boolean()
      .optional()
      .describe(
        'Whether a Model must name the SHA-256 of its bytes; `job://`, `artifact://` and `model://` sources need none; of an alias the Model that it leads to is judged.',
      ),
    limits: limits.optional().describe('Ceilings.'),
    cost: cost.optional().describe('Estimated cost of a Job, from a price book.'),
    rateLimit: rateLimit
      .optional()
      .describe('How many objects may be created in a time. Jobs and PipelineRuns, unless match.kinds names others.'),
    expression: expression
      .optional()
      .describe('CEL over `object`, `oldObject` (null on creation), `request` {operation, user, groups, namespace} that must be true.'),
  }),
  {
    rules: [
      {
        rule: `${ruleTypes.map((type) => `(has(self.${type}) ? 1 : 0)`).join(' + ')} == 1`,
        message: `exactly one of ${ruleTypes.join(', ')} must be given`,
      },
    ],
  },
)

const match = z.object({
  kinds: setOf(z.array(z.enum(policedKinds)).min(1).max(policedKinds.length))
    .optional()
    .describe('Kinds of objects; all that a rule can judge when absent.'),
  labels: labelSelector.optional().describe('Labels that the object must have.'),
  users: patterns('Requesters, e.g. `alice` or `system:serviceaccount:team-a:*`; `*` stands for any run of characters.').optional(),
  groups: patterns('Groups of which the requester must be in one.').optional(),
  expression: expression.optional().describe('CEL, as in the rule `expression`, that must be true for the policy to apply.'),
})

const namespaceMatch = z.object({
  include: patterns('Only these namespaces; `*` stands for any run of characters.').optional(),
  exclude: patterns('Not these namespaces.').optional(),
  selector: labelSelector.optional().describe('Labels that the namespace must have.'),
})

const exception = z.object({
  name: dnsName.max(63).describe('Name of the exception, unique in the policy.'),
  reason: z.string().min(1).max(512).describe('Why it was granted, for those who review it.'),
  expiresAt: z.iso.datetime().describe('When it ends (RFC 3339, UTC).'),
  rules: setOf(z.array(dnsName.max(63)).min(1).max(16))
    .optional()
    .describe('Rules that it lifts; all when absent.'),
  namespaces: patterns('Namespaces that it is for; all when absent.').optional(),
  users: patterns('Requesters that it is for; all when absent.').optional(),
  objects: patterns('Names of objects that it is for; all when absent.').optional(),
})

const rules = mark(z.array(policyRule).min(1).max(16), { listType: 'map', listMapKeys: ['name'] }).describe('What is demanded.')
const mode = z
  .enum(policyModes)
  .default('Enforce')
  .describe('Enforce refuses; Warn admits with a warning; Audit admits and records. Only Enforce redacts.')

/** Spec of a Policy: it judges its own namespace, and can only make things stricter. */
export const policySpec = z.object({
  mode,
  match: match.default({}).describe('Which objects of the namespace; all when absent.'),
  rules,
})

/** Spec of a ClusterPolicy: the same for any namespaces, and the only place for exceptions. */
export const clusterPolicySpec = z.object({
  mode,
  namespaces: namespaceMatch.optional().describe('Which namespaces; all but that of MNEMOS itself when absent.'),
  match: match.default({}).describe('Which objects; all when absent.'),
  rules,
  exceptions: mark(z.array(exception).max(32), { listType: 'map', listMapKeys: ['name'] })
    .optional()
    .describe('Who is let off for a while.'),
})

export type PolicySpec = z.output<typeof policySpec>
export type ClusterPolicySpec = z.output<typeof clusterPolicySpec>
export type PolicyRule = z.output<typeof policyRule>
export type PolicyMatch = z.output<typeof match>
export type PolicyException = z.output<typeof exception>
