/** The configuration of a worker: one schema for environment and flags, the only place that reads process.env. */
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { parseArgs } from 'node:util'
import { z } from 'zod'

const dnsName = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'lower-case letters, digits and dashes')
const required = z.string({ error: ({ input }) => (input === undefined ? 'is required' : 'must be text') })
const milliseconds = z.coerce.number().int().min(1)

const schema = z.object({
  operator: required
    .min(1)
    .transform((list) => list.split(',').map((address) => address.trim()))
    .pipe(z.array(z.string().regex(/^[^\s:]+:\d+$|^\[[0-9a-f:]+\]:\d+$/i, 'host:port')).min(1))
    .describe('Addresses of the operators, host:port, separated by commas; tried in turn.'),
  pool: required.regex(/^[a-z0-9-]+\/[a-z0-9.-]+$/, 'namespace/name').describe('The WorkerPool that the worker joins, namespace/name.'),
  name: dnsName.default(() => defaultName()).describe('Name of the worker, the same after each restart. Default: the host name.'),
  joinTokenFile: z.string().min(1).optional().describe('File with the join token of an external pool; read anew at each connect.'),
  podTokenFile: z
    .string()
    .min(1)
    .optional()
    .describe('File with the token of the pod for audience mnemos, where the pool makes the pods; read anew at each connect.'),
  caFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      'File with the authorities that the operator and the server must be vouched for by; read anew at each connect. Without it, no TLS.',
    ),
  cacheDir: z.string().min(1).default('.mnemos/worker').describe('Folder for models and results; one worker per folder.'),
  cacheBytes: z.coerce
    .number()
    .int()
    .min(1)
    .default(50 * 1024 ** 3)
    .describe('Most bytes of models to keep. Default 50 GiB.'),
  slots: z.coerce.number().int().min(1).max(1024).default(1).describe('Attempts at the same time.'),
  engine: z
    .enum(['llama-cpp', 'stub'])
    .default('llama-cpp')
    .describe('The engine. stub answers without a model and stands in for any; for tests and benches.'),
  engineThreads: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .describe('Threads that the engine computes with. Default: one less than there are cores.'),
  fileRoot: z.string().min(1).optional().describe('Folder that file:// sources are resolved under; none are imported without it.'),
  allowPrivateSources: z
    .union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')])
    .default(false)
    .describe('Let https:// sources be on loopback, private and link-local addresses.'),
  graceMs: milliseconds.default(30_000).describe('How long running attempts may go on after SIGTERM before they are handed back.'),
  storageRetryMs: milliseconds.default(120_000).describe('How long the server may be away before an attempt fails.'),
  progressMs: milliseconds.default(1000).describe('Least time between two progress messages of an attempt.'),
  healthHost: z.string().default('127.0.0.1').describe('Address of /healthz, /readyz and /metrics.'),
  healthPort: z.coerce.number().int().min(0).max(65_535).default(0).describe('Port of /healthz, /readyz and /metrics; 0 is off.'),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info').describe('How much is logged.'),
})

export type WorkerConfig = z.output<typeof schema>
export type WorkerConfigInput = Partial<z.input<typeof schema>>

/** The fields with their environment variable, flag and sentence. */
const fields = Object.entries(schema.shape).map(([key, field]) => ({
  key,
  variable: `MNEMOS_WORKER_${snake(key).toUpperCase()}`,
  flag: snake(key).replaceAll('_', '-'),
  description: field.description ?? '',
}))

/**
 * Reads MNEMOS_WORKER_* variables; `overrides` win.
 * @throws Error that names each wrong field, its flag and its variable
 */
export function parseWorkerConfig(env: NodeJS.ProcessEnv, overrides: WorkerConfigInput = {}): WorkerConfig {
  const fromEnv = fields.flatMap(({ key, variable }) => (env[variable] === undefined ? [] : [[key, env[variable]] as const]))
  const given: Readonly<Record<string, unknown>> = { ...Object.fromEntries(fromEnv), ...overrides }
  const parsed = schema.safeParse(given)
  const mistakes = parsed.success ? [] : parsed.error.issues.map(({ path, message }) => ({ key: String(path[0]), message }))
  if (given['joinTokenFile'] === undefined && given['podTokenFile'] === undefined)
    mistakes.push({ key: 'joinTokenFile', message: 'is required, or --pod-token-file in a pod that its pool made' })
  if (parsed.success && mistakes.length === 0) return parsed.data
  const lines = mistakes.map(({ key, message }) => {
    const field = fields.find((each) => each.key === key)
    return `  --${field?.flag ?? key} (${field?.variable ?? ''}): ${message}`
  })
  throw new Error(`The configuration of the worker is wrong:\n${lines.join('\n')}`)
}

/** Reads flags and environment of this process. @returns undefined when --help was asked for */
export function parseWorkerArgs(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): WorkerConfig | undefined {
  const booleans = new Set(['allow-private-sources'])
  const flags = fields.map(({ flag }) => [flag, { type: booleans.has(flag) ? 'boolean' : 'string' } as const] as const)
  const { values } = parseArgs({ args: [...argv], options: { help: { type: 'boolean' }, ...Object.fromEntries(flags) } })
  if (values['help'] === true) return undefined
  const given = fields.flatMap(({ key, flag }) => {
    const value = values[flag as keyof typeof values]
    return value === undefined ? [] : [[key, value]]
  })
  return parseWorkerConfig(env, Object.fromEntries(given) as WorkerConfigInput) // judged by the schema there
}

/** The text of --help. */
export function workerHelp(): string {
  const rows = fields.map(({ flag, variable, description }) => `  --${flag.padEnd(24)} ${description}\n  ${' '.repeat(26)} ${variable}`)
  return `Usage: node worker/src/main.ts --operator HOST:PORT --pool NAMESPACE/NAME --join-token-file FILE [flags]\n\n${rows.join('\n')}\n`
}

/** By what the worker is let in: empty where it has none of a kind. */
export interface Proofs {
  readonly joinToken: string
  readonly podToken: string
}

/** Reads the tokens as they are now, so that rotated ones are used. @throws when a file cannot be read */
export function readProofs({ joinTokenFile, podTokenFile }: Pick<WorkerConfig, 'joinTokenFile' | 'podTokenFile'>): Proofs {
  const read = (file: string | undefined): string => (file === undefined ? '' : readFileSync(file, 'utf8').trim())
  return { joinToken: read(joinTokenFile), podToken: read(podTokenFile) }
}

function snake(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function defaultName(): string {
  const name = hostname()
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63)
  return name === '' ? 'worker' : name
}
