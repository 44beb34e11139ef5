/** The recorder's settings: read from the environment once, checked as a whole, printed by `--help` from the descriptions here. */
import { type Credentials, inClusterCredentials } from '@mnemos/kube'
import { z } from 'zod'

const port = z.coerce.number().int().min(0).max(65_535)
const durationMs = z.coerce.number().int().min(1)
const mebibyte = 1024 * 1024
const size = z.coerce
  .number()
  .int()
  .min(1024)
  .max(3 * mebibyte)

export const recorderSettings = z.object({
  MNEMOS_SERVER_URL: z.url().default('http://127.0.0.1:8080').describe('URL of the server that keeps the logs.'),
  MNEMOS_RECORDER_CA_FILE: z
    .string()
    .min(1)
    .optional()
    .describe("PEM of the authorities that the server must be vouched for by; read anew for each connection. Default: the system's."),
  MNEMOS_RECORDER_HOST: z.string().min(1).default('127.0.0.1').describe('Address of /healthz, /readyz and /metrics; 0.0.0.0 in a cluster.'),
  MNEMOS_RECORDER_HEALTH_PORT: port.default(9444).describe('Port of /healthz, /readyz and /metrics; 0 picks a free one.'),
  MNEMOS_RECORDER_FLUSH_MS: durationMs.default(5000).describe('A log is stored again at most this long after it grew.'),
  MNEMOS_RECORDER_FLUSH_BYTES: size.default(mebibyte).describe('A log is stored again at once after it grew by this much.'),
  MNEMOS_RECORDER_HEAD_BYTES: size.default(mebibyte).describe('So much of the beginning of a log is kept.'),
  MNEMOS_RECORDER_TAIL_BYTES: size.default(mebibyte).describe('So much of the end of a log is kept.'),
  MNEMOS_RECORDER_GIVE_UP_MS: durationMs
    .default(600_000)
    .describe('A log that cannot be read to its end for this long after its container ended is kept as it is: its node may be gone.'),
  MNEMOS_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Least level that is logged.'),
})

export interface RecorderConfig {
  readonly serverUrl: string
  readonly caFile: string | undefined
  readonly host: string
  readonly healthPort: number
  readonly flushMs: number
  readonly flushBytes: number
  readonly headBytes: number
  readonly tailBytes: number
  readonly giveUpMs: number
  readonly logLevel: string
}

/** @throws z.ZodError that names every setting that is wrong */
export function parseRecorderConfig(
  env: Readonly<Record<string, string | undefined>>,
  overrides: Partial<RecorderConfig> = {},
): RecorderConfig {
  const settings = recorderSettings.parse(env)
  return {
    serverUrl: settings.MNEMOS_SERVER_URL,
    caFile: settings.MNEMOS_RECORDER_CA_FILE,
    host: settings.MNEMOS_RECORDER_HOST,
    healthPort: settings.MNEMOS_RECORDER_HEALTH_PORT,
    flushMs: settings.MNEMOS_RECORDER_FLUSH_MS,
    flushBytes: settings.MNEMOS_RECORDER_FLUSH_BYTES,
    headBytes: settings.MNEMOS_RECORDER_HEAD_BYTES,
    tailBytes: settings.MNEMOS_RECORDER_TAIL_BYTES,
    giveUpMs: settings.MNEMOS_RECORDER_GIVE_UP_MS,
    logLevel: settings.MNEMOS_LOG_LEVEL,
    ...overrides,
  }
}

/** What the process finds around it in a pod. @throws when this is no pod, or a setting is wrong */
export function recorderSurroundings(): { readonly config: RecorderConfig; readonly credentials: Credentials } {
  return { config: parseRecorderConfig(process.env), credentials: inClusterCredentials(process.env) }
}
