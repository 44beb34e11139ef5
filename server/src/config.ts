/** The server's settings: read from the environment once, checked as a whole, printed by `--help` from the descriptions here. */
import { type Credentials, inClusterCredentials } from '@mnemos/kube'
import { z } from 'zod'
import { checkStores, type RedisConfig, redisConfig, type S3Config, s3Config, storeSettings } from './store-settings.ts'

const day = 24 * 3600
const port = z.coerce.number().int().min(0).max(65_535)

export const serverSettings = z.object({
  MNEMOS_SYSTEM_NAMESPACE: z
    .string()
    .min(1)
    .default('mnemos-system')
    .describe('Namespace of MNEMOS itself: the key of assignment tokens is there.'),
  MNEMOS_SERVER_HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on; 0.0.0.0 in a cluster.'),
  MNEMOS_SERVER_PORT: port.default(8080).describe('Port to listen on; 0 picks a free one.'),
  MNEMOS_INTERNAL_TLS: z
    .enum(['true', 'false'])
    .default('false')
    .describe('true: speak HTTPS with the certificate that the operator keeps; in a cluster. false: plain HTTP, for one machine.'),
  MNEMOS_SERVER_TLS_FOLDER: z
    .string()
    .min(1)
    .default('/etc/mnemos/tls')
    .describe('Folder with tls.crt and tls.key (Secret mnemos-server-tls); read again when they change.'),
  ...storeSettings,
  MNEMOS_SERVER_BODY_BYTES: z.coerce.number().int().min(1024).default(1_048_576).describe('Largest body of a request by a user, in bytes.'),
  MNEMOS_SERVER_REQUESTS_PER_MINUTE: z.coerce
    .number()
    .int()
    .min(0)
    .max(100_000)
    .default(600)
    .describe('Most requests of one user in any minute, over all their tokens; 0: no limit. Counted in Redis for all servers, or by each.'),
  MNEMOS_SERVER_FILE_BYTES: z.coerce
    .number()
    .int()
    .min(1)
    .default(5 * 1024 ** 3)
    .describe('Largest file that people may put beside their Jobs (/v1/files), in bytes.'),
  MNEMOS_OUTPUTS_RETENTION_SECONDS: z.coerce
    .number()
    .int()
    .min(3600)
    .default(7 * day)
    .describe('How long outputs of Jobs that are gone, and of attempts that another one came after, are kept, in seconds.'),
  MNEMOS_OUTPUTS_SWEEP_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(7 * day)
    .default(day / 4)
    .describe('From one removal of such outputs to the next, in seconds; 0: they are kept for ever.'),
  MNEMOS_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Least level that is logged.'),
})

export interface ServerConfig {
  readonly systemNamespace: string
  readonly host: string
  readonly port: number
  /** Absent: plain HTTP. */
  readonly tlsFolder?: string
  readonly artifactsFolder: string
  /** Absent: artifacts are in the folder. */
  readonly s3?: S3Config
  /** Absent: streams are in memory. */
  readonly redis?: RedisConfig
  readonly bodyBytes: number
  /** 0: no limit. */
  readonly requestsPerMinute: number
  /** Largest file of a user. */
  readonly fileBytes: number
  readonly outputsRetentionSeconds: number
  /** 0: never. */
  readonly outputsSweepSeconds: number
  readonly logLevel: string
}

/** @throws z.ZodError that names every setting that is wrong */
export function parseServerConfig(env: Readonly<Record<string, string | undefined>>, overrides: Partial<ServerConfig> = {}): ServerConfig {
  const settings = serverSettings
    .superRefine((chosen, context) =>
      checkStores(chosen, (setting, message) => context.addIssue({ code: 'custom', path: [setting], message })),
    )
    .parse(env)
  const [s3, redis] = [s3Config(settings), redisConfig(settings)]
  return {
    systemNamespace: settings.MNEMOS_SYSTEM_NAMESPACE,
    host: settings.MNEMOS_SERVER_HOST,
    port: settings.MNEMOS_SERVER_PORT,
    ...(settings.MNEMOS_INTERNAL_TLS === 'true' ? { tlsFolder: settings.MNEMOS_SERVER_TLS_FOLDER } : {}),
    artifactsFolder: settings.MNEMOS_ARTIFACTS_FOLDER,
    ...(s3 === undefined ? {} : { s3 }),
    ...(redis === undefined ? {} : { redis }),
    bodyBytes: settings.MNEMOS_SERVER_BODY_BYTES,
    requestsPerMinute: settings.MNEMOS_SERVER_REQUESTS_PER_MINUTE,
    fileBytes: settings.MNEMOS_SERVER_FILE_BYTES,
    outputsRetentionSeconds: settings.MNEMOS_OUTPUTS_RETENTION_SECONDS,
    outputsSweepSeconds: settings.MNEMOS_OUTPUTS_SWEEP_SECONDS,
    logLevel: settings.MNEMOS_LOG_LEVEL,
    ...overrides,
  }
}

/** What the process finds around it in a pod. @throws when this is no pod, or a setting is wrong */
export function serverSurroundings(): { readonly config: ServerConfig; readonly credentials: Credentials } {
  return { config: parseServerConfig(process.env), credentials: inClusterCredentials(process.env) }
}
