/** The webhook's settings: read from the environment once, checked as a whole, printed by `--help` from the descriptions here. */
import { type Credentials, inClusterCredentials } from '@mnemos/kube'
import { z } from 'zod'
import { type RateLimitConfig, rateLimitConfig, rateLimitSettings } from './rate-limit-settings.ts'
import { type TraceConfig, traceConfig, traceSettings } from './trace-settings.ts'

const port = z.coerce.number().int().min(0).max(65_535)
const durationMs = z.coerce.number().int().min(1)
const minute = 60_000
const day = 24 * 60 * minute

export const webhookSettings = z.object({
  MNEMOS_SYSTEM_NAMESPACE: z
    .string()
    .min(1)
    .default('mnemos-system')
    .describe('Namespace of MNEMOS itself; the only one left out of admission.'),
  MNEMOS_WEBHOOK_HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on; 0.0.0.0 in a cluster.'),
  MNEMOS_WEBHOOK_PORT: port.default(9443).describe('Port for reviews (HTTPS); 0 picks a free one.'),
  MNEMOS_WEBHOOK_HEALTH_PORT: port.default(9440).describe('Port for /healthz, /readyz and /metrics (HTTP); 0 picks a free one.'),
  MNEMOS_WEBHOOK_SERVICE: z
    .string()
    .min(1)
    .optional()
    .describe('Service in the system namespace by which API servers reach us. Absent: a URL, for development.'),
  MNEMOS_WEBHOOK_URL: z
    .url({ protocol: /^https$/ })
    .optional()
    .describe(
      'URL without a path by which API servers reach us when there is no Service, e.g. that of a balancer; host and port when absent.',
    ),
  MNEMOS_WEBHOOK_SERVICE_PORT: port.default(443).describe('Port of that Service.'),
  MNEMOS_WEBHOOK_TRUSTED_USERS: z
    .string()
    .optional()
    .describe('Accounts, separated by commas, whose objects keep the requester they name. Default: the operator in the system namespace.'),
  MNEMOS_WEBHOOK_DEADLINE_MS: durationMs.max(2900).default(2500).describe('Longest time to answer; API servers wait 3 s.'),
  MNEMOS_WEBHOOK_TLS_FOLDER: z
    .string()
    .min(1)
    .optional()
    .describe('Folder with tls.crt, tls.key and ca.crt that somebody else renews, e.g. cert-manager. Absent: an authority of our own.'),
  MNEMOS_WEBHOOK_AUTHORITY_LIFE_MS: durationMs.default(365 * day).describe('Life of the signing authority; replaced after two thirds.'),
  MNEMOS_WEBHOOK_LEAF_LIFE_MS: durationMs.default(7 * day).describe('Life of the served certificate; replaced after two thirds.'),
  MNEMOS_WEBHOOK_OVERLAP_MS: durationMs
    .default(10 * minute)
    .describe('How long a new authority is trusted before it signs, and an old one after.'),
  MNEMOS_WEBHOOK_REFRESH_MS: durationMs.default(minute).describe('How often certificates and registration are looked at.'),
  MNEMOS_WEBHOOK_DRAIN_MS: z.coerce.number().int().min(0).default(5000).describe('How long calls are still answered after SIGTERM.'),
  ...rateLimitSettings,
  ...traceSettings,
  MNEMOS_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Least level that is logged.'),
})

export interface WebhookConfig {
  readonly systemNamespace: string
  readonly host: string
  readonly port: number
  readonly healthPort: number
  readonly service?: { readonly name: string; readonly port: number }
  readonly url?: string
  readonly trustedUsers: readonly string[]
  readonly tlsFolder?: string
  readonly deadlineMs: number
  readonly authorityLifeMs: number
  readonly leafLifeMs: number
  readonly overlapMs: number
  readonly refreshMs: number
  readonly drainMs: number
  readonly rateLimits: RateLimitConfig
  readonly tracing: TraceConfig
  readonly logLevel: string
}

/** @throws z.ZodError that names every setting that is wrong, or Error when the settings contradict one another */
export function parseWebhookConfig(
  env: Readonly<Record<string, string | undefined>>,
  overrides: Partial<WebhookConfig> = {},
): WebhookConfig {
  const settings = webhookSettings.parse(env)
  const systemNamespace = overrides.systemNamespace ?? settings.MNEMOS_SYSTEM_NAMESPACE
  const service = settings.MNEMOS_WEBHOOK_SERVICE
  const trusted = settings.MNEMOS_WEBHOOK_TRUSTED_USERS ?? `system:serviceaccount:${systemNamespace}:mnemos-operator`
  const url = settings.MNEMOS_WEBHOOK_URL?.replace(/\/$/, '')
  const config: WebhookConfig = {
    systemNamespace,
    host: settings.MNEMOS_WEBHOOK_HOST,
    port: settings.MNEMOS_WEBHOOK_PORT,
    healthPort: settings.MNEMOS_WEBHOOK_HEALTH_PORT,
    ...(service === undefined ? {} : { service: { name: service, port: settings.MNEMOS_WEBHOOK_SERVICE_PORT } }),
    ...(url === undefined ? {} : { url }),
    trustedUsers: trusted
      .split(',')
      .map((user) => user.trim())
      .filter((user) => user !== ''),
    ...(settings.MNEMOS_WEBHOOK_TLS_FOLDER === undefined ? {} : { tlsFolder: settings.MNEMOS_WEBHOOK_TLS_FOLDER }),
    deadlineMs: settings.MNEMOS_WEBHOOK_DEADLINE_MS,
    authorityLifeMs: settings.MNEMOS_WEBHOOK_AUTHORITY_LIFE_MS,
    leafLifeMs: settings.MNEMOS_WEBHOOK_LEAF_LIFE_MS,
    overlapMs: settings.MNEMOS_WEBHOOK_OVERLAP_MS,
    refreshMs: settings.MNEMOS_WEBHOOK_REFRESH_MS,
    drainMs: settings.MNEMOS_WEBHOOK_DRAIN_MS,
    rateLimits: rateLimitConfig(settings),
    tracing: traceConfig(settings),
    logLevel: settings.MNEMOS_LOG_LEVEL,
    ...overrides,
  }
  if (config.refreshMs > config.overlapMs)
    throw new Error('the refresh interval must not be longer than the overlap: a replica could miss a new authority')
  return config
}

/** What the process finds around it in a pod. @throws when this is no pod, or a setting is wrong */
export function webhookSurroundings(): { readonly config: WebhookConfig; readonly credentials: Credentials } {
  return { config: parseWebhookConfig(process.env), credentials: inClusterCredentials(process.env) }
}
