/** The settings of a process that runs one attempt: the operator writes them into the pod. */
import { type PersonalDataActions, personalDataActions } from '@mnemos/api'
import { z } from 'zod'

/** What is no JSON becomes what no schema takes. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const schema = z.object({
  MNEMOS_ATTEMPT_SERVER_URL: z.url().describe('URL of the server that says what is to be done and keeps the bytes.'),
  MNEMOS_ATTEMPT_TOKEN_FILE: z.string().min(1).describe('File with the token of the pod for audience mnemos.'),
  MNEMOS_ATTEMPT_UID: z.string().min(1).max(64).describe('UID of the Job.'),
  MNEMOS_ATTEMPT_NAMESPACE: z.string().min(1).max(63).describe('Namespace of the Job.'),
  MNEMOS_ATTEMPT_JOB: z.string().min(1).max(253).describe('Name of the Job.'),
  MNEMOS_ATTEMPT_NUMBER: z.coerce.number().int().min(1).describe('Number of the attempt.'),
  MNEMOS_ATTEMPT_FOLDER: z.string().min(1).default('/var/lib/mnemos').describe('Folder for the model; empty at the start.'),
  MNEMOS_ATTEMPT_PERSONAL_DATA: z
    .string()
    .max(1024)
    .transform(readJson)
    .pipe(personalDataActions)
    .optional()
    .describe('JSON: what policies say about personal data, by its kind: Redact or Block.'),
  MNEMOS_ATTEMPT_CA: z.string().optional().describe('PEM of the authorities that the server must be vouched for by.'),
  MNEMOS_ATTEMPT_ENGINE: z
    .enum(['llama-cpp', 'stub'])
    .default('llama-cpp')
    .describe('The engine; stub answers without a model, for tests.'),
  MNEMOS_ATTEMPT_REPORT_FILE: z.string().default('/dev/termination-log').describe('Where the report goes.'),
  MNEMOS_ATTEMPT_STORAGE_RETRY_MS: z.coerce
    .number()
    .int()
    .min(1)
    .default(120_000)
    .describe('How long the server may be away before the attempt fails.'),
})

export interface DedicatedConfig {
  readonly serverUrl: string
  readonly tokenFile: string
  readonly uid: string
  readonly namespace: string
  readonly job: string
  readonly attempt: number
  readonly folder: string
  readonly personalData: PersonalDataActions | undefined
  /** PEM. */
  readonly authority: string | undefined
  readonly engine: 'llama-cpp' | 'stub'
  readonly reportFile: string
  readonly storageRetryMs: number
}

/** @throws z.ZodError that names every setting that is wrong */
export function parseDedicatedConfig(env: Readonly<Record<string, string | undefined>>): DedicatedConfig {
  const settings = schema.parse(env)
  return {
    serverUrl: settings.MNEMOS_ATTEMPT_SERVER_URL,
    tokenFile: settings.MNEMOS_ATTEMPT_TOKEN_FILE,
    uid: settings.MNEMOS_ATTEMPT_UID,
    namespace: settings.MNEMOS_ATTEMPT_NAMESPACE,
    job: settings.MNEMOS_ATTEMPT_JOB,
    attempt: settings.MNEMOS_ATTEMPT_NUMBER,
    folder: settings.MNEMOS_ATTEMPT_FOLDER,
    personalData: settings.MNEMOS_ATTEMPT_PERSONAL_DATA,
    authority: settings.MNEMOS_ATTEMPT_CA,
    engine: settings.MNEMOS_ATTEMPT_ENGINE,
    reportFile: settings.MNEMOS_ATTEMPT_REPORT_FILE,
    storageRetryMs: settings.MNEMOS_ATTEMPT_STORAGE_RETRY_MS,
  }
}
