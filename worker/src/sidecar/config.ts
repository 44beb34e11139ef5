/** The settings of a sidecar: the operator writes them into the pod. */
import { z } from 'zod'

const key = z.string().min(1).max(512)
const file = z.string().regex(/^\//)

const work = z.object({
  inputs: z.array(z.object({ key, file })),
  outputs: z.array(
    z.object({
      ...{ name: z.string(), key, path: z.string(), file },
      ...{ inline: z.boolean().optional(), schema: z.record(z.string(), z.unknown()).optional() },
    }),
  ),
  resultKey: key,
})

const schema = z.object({
  MNEMOS_SIDECAR_SERVER_URL: z.url().describe('URL of the server that keeps the bytes.'),
  MNEMOS_SIDECAR_TOKEN_FILE: z.string().min(1).describe('File with the token of the pod for audience mnemos; read anew for each request.'),
  MNEMOS_SIDECAR_WORK: z.string().describe('JSON: inputs {key, file}, outputs {name, key, path, file, inline?, schema?}, resultKey.'),
  MNEMOS_SIDECAR_CA: z.string().optional().describe('PEM of the authorities that the server must be vouched for by.'),
  MNEMOS_SIDECAR_HOST: z.string().default('0.0.0.0').describe('Address of /ready, for the startup probe.'),
  MNEMOS_SIDECAR_PORT: z.coerce.number().int().min(0).max(65_535).default(9447).describe('Port of /ready; 0 picks a free one.'),
  MNEMOS_SIDECAR_STATE_FOLDER: z.string().default('/tmp').describe('Folder that outlives a restart of this container.'),
  MNEMOS_SIDECAR_REPORT_FILE: z.string().default('/dev/termination-log').describe('Where the report goes.'),
  MNEMOS_SIDECAR_UPLOAD_MS: z.coerce
    .number()
    .int()
    .min(1)
    .default(590_000)
    .describe('How long outputs may take once the container has ended; then the sidecar says what is missing.'),
  MNEMOS_SIDECAR_MAX_OUTPUT_BYTES: z.coerce
    .number()
    .int()
    .min(1)
    .default(10 * 1024 ** 3)
    .describe('Largest output, in bytes.'),
  MNEMOS_SIDECAR_STORAGE_RETRY_MS: z.coerce
    .number()
    .int()
    .min(1)
    .default(120_000)
    .describe('How long the server may be away while inputs are brought, before the attempt fails.'),
})

export type SidecarWork = z.output<typeof work>

export interface SidecarConfig {
  readonly serverUrl: string
  readonly tokenFile: string
  readonly work: SidecarWork
  /** PEM. */
  readonly authority: string | undefined
  readonly host: string
  readonly port: number
  readonly stateFolder: string
  readonly reportFile: string
  readonly storageRetryMs: number
  readonly uploadMs: number
  readonly maxOutputBytes: number
}

/** @throws z.ZodError that names every setting that is wrong */
export function parseSidecarConfig(env: Readonly<Record<string, string | undefined>>): SidecarConfig {
  const settings = schema.parse(env)
  return {
    serverUrl: settings.MNEMOS_SIDECAR_SERVER_URL,
    tokenFile: settings.MNEMOS_SIDECAR_TOKEN_FILE,
    work: work.parse(JSON.parse(settings.MNEMOS_SIDECAR_WORK)),
    authority: settings.MNEMOS_SIDECAR_CA,
    host: settings.MNEMOS_SIDECAR_HOST,
    port: settings.MNEMOS_SIDECAR_PORT,
    stateFolder: settings.MNEMOS_SIDECAR_STATE_FOLDER,
    reportFile: settings.MNEMOS_SIDECAR_REPORT_FILE,
    storageRetryMs: settings.MNEMOS_SIDECAR_STORAGE_RETRY_MS,
    uploadMs: settings.MNEMOS_SIDECAR_UPLOAD_MS,
    maxOutputBytes: settings.MNEMOS_SIDECAR_MAX_OUTPUT_BYTES,
  }
}
