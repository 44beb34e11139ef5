/** Which stores hold bytes and streams, and how they are reached: the settings that choose the adapters. */
import { z } from 'zod'

const flag = z.enum(['true', 'false'])
const optional = z.string().min(1).optional()

/** Descriptions are what `--help` prints. */
export const storeSettings = {
  MNEMOS_ARTIFACT_STORE: z
    .enum(['directory', 's3'])
    .default('directory')
    .describe('Where models, inputs and results are: directory (one server on one machine) or s3 (any number of servers).'),
  MNEMOS_ARTIFACTS_FOLDER: z.string().min(1).default('.mnemos/artifacts').describe('Folder of the artifact store when it is directory.'),
  MNEMOS_S3_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('URL of the S3 server; AWS itself when absent.'),
  MNEMOS_S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be 3 to 63 small letters, digits, dots and dashes')
    .optional()
    .describe('Bucket; needed with s3. It is made when it is absent and the credentials allow that.'),
  MNEMOS_S3_REGION: z.string().min(1).default('us-east-1').describe('Region of the bucket.'),
  MNEMOS_S3_PATH_STYLE: flag
    .optional()
    .describe('true: http://host/bucket/key; false: http://bucket.host/key. Default true when an endpoint is given.'),
  MNEMOS_S3_PREFIX: z
    .string()
    .regex(/^([A-Za-z0-9][A-Za-z0-9._-]*\/)*$/, 'must be empty or segments that each end with a slash')
    .default('')
    .describe('Put before every key, e.g. mnemos/, so that a bucket may be shared.'),
  MNEMOS_S3_PRESIGN: flag
    .default('false')
    .describe('true: workers fetch bytes from the S3 server itself by URLs that expire; they must reach MNEMOS_S3_ENDPOINT.'),
  MNEMOS_S3_PRESIGN_SECONDS: z.coerce.number().int().min(60).max(604_800).default(3600).describe('How long such a URL holds, in seconds.'),
  MNEMOS_STREAM_STORE: z
    .enum(['memory', 'redis'])
    .default('memory')
    .describe('Where token streams are: memory (one server) or redis (any number of servers; also Valkey).'),
  MNEMOS_REDIS_URL: z
    .url({ protocol: /^rediss?$/ })
    .optional()
    .describe('redis://host:6379/0, or rediss:// for TLS; needed with redis. Version 7 or later, maxmemory-policy noeviction.'),
  MNEMOS_REDIS_USERNAME: optional.describe('User of Redis; the default user when absent.'),
  MNEMOS_REDIS_PASSWORD: optional.describe('Password of Redis.'),
  MNEMOS_REDIS_PREFIX: z.string().min(1).max(64).default('mnemos:').describe('Put before every key and channel.'),
  MNEMOS_STREAM_SECONDS: z.coerce
    .number()
    .int()
    .min(60)
    .default(3600)
    .describe('How long a stream stays after its last token when it is in redis, in seconds.'),
} as const

type Settings = z.output<z.ZodObject<typeof storeSettings>>

export interface S3Config {
  /** AWS when absent. */
  readonly endpoint?: string
  readonly bucket: string
  readonly region: string
  readonly pathStyle: boolean
  /** Empty, or ends with a slash. */
  readonly prefix: string
  /** How long a URL given to a worker holds; absent when workers get bytes from the server. */
  readonly presignSeconds?: number
}

export interface RedisConfig {
  readonly url: string
  readonly username?: string
  readonly password?: string
  readonly prefix: string
  readonly keepSeconds: number
}

/** Says what is missing for the stores that were chosen. */
export function checkStores(settings: Settings, missing: (setting: keyof Settings, message: string) => void): void {
  if (settings.MNEMOS_ARTIFACT_STORE === 's3' && settings.MNEMOS_S3_BUCKET === undefined)
    missing('MNEMOS_S3_BUCKET', 'MNEMOS_S3_BUCKET must be set when MNEMOS_ARTIFACT_STORE is s3')
  if (settings.MNEMOS_STREAM_STORE === 'redis' && settings.MNEMOS_REDIS_URL === undefined)
    missing('MNEMOS_REDIS_URL', 'MNEMOS_REDIS_URL must be set when MNEMOS_STREAM_STORE is redis')
}

/** Undefined when artifacts are in a directory. */
export function s3Config(settings: Settings): S3Config | undefined {
  const { MNEMOS_S3_ENDPOINT: endpoint, MNEMOS_S3_BUCKET: bucket, MNEMOS_S3_PATH_STYLE: pathStyle } = settings
  if (settings.MNEMOS_ARTIFACT_STORE !== 's3' || bucket === undefined) return undefined
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    bucket,
    region: settings.MNEMOS_S3_REGION,
    pathStyle: pathStyle === undefined ? endpoint !== undefined : pathStyle === 'true',
    prefix: settings.MNEMOS_S3_PREFIX,
    ...(settings.MNEMOS_S3_PRESIGN === 'true' ? { presignSeconds: settings.MNEMOS_S3_PRESIGN_SECONDS } : {}),
  }
}

/** Undefined when streams are in memory. */
export function redisConfig(settings: Settings): RedisConfig | undefined {
  const { MNEMOS_REDIS_URL: url, MNEMOS_REDIS_USERNAME: username, MNEMOS_REDIS_PASSWORD: password } = settings
  if (settings.MNEMOS_STREAM_STORE !== 'redis' || url === undefined) return undefined
  return {
    url,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    prefix: settings.MNEMOS_REDIS_PREFIX,
    keepSeconds: settings.MNEMOS_STREAM_SECONDS,
  }
}
