/**
 * Our container beside the user's: brings the inputs before it starts and takes the outputs when it has ended.
 *
 * A native sidecar: its startup probe holds the other container back, its SIGTERM comes after the other's end, and what it writes
 * as its termination message is in the Pod's status. It alone has the token of the pod.
 */
import type { ContainerWork, FailureClass, Job, JobStatus } from '@mnemos/api'
import { failureClasses, maxInlineResultBytes } from '@mnemos/api'
import { podTokenAudience } from '../workers/worker-pod.ts'
import type { Failure } from './attempt-ends.ts'
import { folderOf, type InputFile, outputFiles, sharedFolders } from './container-files.ts'
import { attemptPrefix } from './input-source.ts'
import { asEnvironmentJson } from './output-schema.ts'

/** The sidecar in its pod. */
export const sidecarContainer = 'mnemos'

/** What the operator was told about programs of ours in pods of Jobs. */
export interface SidecarSettings {
  /** Of the sidecar; undefined: Jobs with inputs or outputs wait. */
  readonly image: string | undefined
  /** Of an inference's own pod; undefined: such Jobs wait. */
  readonly workerImage: string | undefined
  /** The same with a device; undefined: that without. */
  readonly gpuWorkerImage: string | undefined
  readonly imagePullSecrets: readonly string[]
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never'
  readonly serverUrl: string
  /** PEM; undefined: the server is reached without TLS. */
  readonly authority: string | undefined
  /** What the sidecar has to take the outputs in once the container has ended. */
  readonly uploadSeconds: number
  /** Largest output. */
  readonly maxOutputBytes: number
}

const port = 9447
/** Whoever is not as the container cannot read what it keeps to itself. */
const defaultUser = 65_532
/** The sidecar gives up this long before the kubelet would end it, so that it can still say why. */
const reportSeconds = 10
const tokenFolder = '/var/run/secrets/mnemos'
/** As long as inputs may take: the probe gives up after a day. */
const probe = { periodSeconds: 1, failureThreshold: 86_400 } as const

export interface SidecarParts {
  /** Group that both containers belong to, so that each may read what the other wrote. */
  readonly fsGroup: number
  readonly graceSeconds: number
  readonly initContainers: readonly object[]
  readonly volumes: readonly object[]
  /** Mounts of the user's container. */
  readonly mounts: readonly object[]
}

/** @param attempt whose pod it is for */
export function sidecarParts(
  job: Job,
  { container, attempt, inputs }: { container: ContainerWork; attempt: number; inputs: readonly InputFile[] },
  settings: SidecarSettings & { readonly image: string },
): SidecarParts {
  const folders = sharedFolders(container)
  const nameOf = (folder: string): string => `files-${folders.indexOf(folder)}`
  const placeOf = (path: string): string => `/mnemos/${nameOf(folderOf(path))}${path.slice(path.lastIndexOf('/'))}`
  const work = {
    inputs: inputs.map(({ key, path }) => ({ key, file: placeOf(path) })),
    outputs: outputFiles(job, attempt).map((output) => ({ ...output, file: placeOf(output.path) })),
    resultKey: `${attemptPrefix(job, attempt)}result.json`,
  }
  // A file that is judged is in memory as a whole, and as values.
  const judges = work.outputs.some(({ schema }) => schema !== undefined)
  const { image, imagePullPolicy, serverUrl, authority, uploadSeconds, maxOutputBytes } = settings
  return {
    fsGroup: defaultUser,
    graceSeconds: uploadSeconds,
    mounts: folders.map((folder) => ({ name: nameOf(folder), mountPath: folder })),
    volumes: [
      ...folders.map((folder) => ({ name: nameOf(folder), emptyDir: {} })),
      { name: 'mnemos-tmp', emptyDir: {} },
      {
        name: 'mnemos-token',
        projected: { sources: [{ serviceAccountToken: { audience: podTokenAudience, expirationSeconds: 3600, path: 'token' } }] },
      },
    ],
    initContainers: [
      {
        name: sidecarContainer,
        image,
        imagePullPolicy,
        args: ['sidecar'],
        restartPolicy: 'Always',
        env: [
          { name: 'MNEMOS_SIDECAR_SERVER_URL', value: serverUrl },
          { name: 'MNEMOS_SIDECAR_TOKEN_FILE', value: `${tokenFolder}/token` },
          { name: 'MNEMOS_SIDECAR_PORT', value: `${port}` },
          { name: 'MNEMOS_SIDECAR_UPLOAD_MS', value: `${(uploadSeconds - reportSeconds) * 1000}` },
          { name: 'MNEMOS_SIDECAR_MAX_OUTPUT_BYTES', value: `${maxOutputBytes}` },
          { name: 'MNEMOS_SIDECAR_WORK', value: asEnvironmentJson(work) },
          ...(authority === undefined ? [] : [{ name: 'MNEMOS_SIDECAR_CA', value: authority }]),
        ],
        startupProbe: { httpGet: { path: '/ready', port }, ...probe },
        resources: { requests: { cpu: '10m', memory: '96Mi' }, limits: { memory: judges ? '512Mi' : '256Mi' } },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          runAsNonRoot: true,
          runAsUser: container.runAsUser ?? defaultUser,
          capabilities: { drop: ['ALL'] },
          seccompProfile: { type: 'RuntimeDefault' },
        },
        volumeMounts: [
          ...folders.map((folder) => ({ name: nameOf(folder), mountPath: `/mnemos/${nameOf(folder)}` })),
          { name: 'mnemos-tmp', mountPath: '/tmp' },
          { name: 'mnemos-token', mountPath: tokenFolder, readOnly: true },
        ],
      },
    ],
  }
}

export type KeptResult = NonNullable<JobStatus['result']>
/** What the sidecar said when it ended, or when it last fell over. */
export type SidecarReport = { readonly result: KeptResult; readonly usage?: JobStatus['usage'] } | { readonly failure: Failure }

/** Reads a termination message of the sidecar; undefined for what is none. */
export function reportOf(message: string | undefined, prefix: string): SidecarReport | undefined {
  const { result, failure, usage } = fieldsOf(parsed(message ?? ''))
  if (result !== undefined) return withUsage(resultOf(fieldsOf(result), prefix), fieldsOf(usage))
  if (failure === undefined) return undefined
  const { class: said, reason, message: why, hint } = fieldsOf(failure)
  const failureClass: FailureClass = failureClasses.find((each) => each === said) ?? 'Internal'
  return {
    failure: {
      class: failureClass,
      reason: textOf(reason) ?? 'Failed',
      message: textOf(why) ?? 'The files were not moved.',
      hint: textOf(hint),
    },
  }
}

function withUsage(
  report: SidecarReport | undefined,
  { promptTokens, completionTokens, durationMs }: Readonly<Record<string, unknown>>,
): SidecarReport | undefined {
  const isWhole = isCount(promptTokens) && isCount(completionTokens) && isCount(durationMs)
  return report !== undefined && isWhole ? { ...report, usage: { promptTokens, completionTokens, durationMs } } : report
}

function resultOf({ uri, sha256, sizeBytes, inline }: Readonly<Record<string, unknown>>, prefix: string): SidecarReport | undefined {
  const isOwn = typeof uri === 'string' && uri.startsWith(`artifact://${prefix}`)
  if (!isOwn || typeof sha256 !== 'string' || !/^[a-f0-9]{64}$/.test(sha256) || !isCount(sizeBytes)) return undefined
  // The sidecar says it as the value that it is: as a text within a text it would take more room than there is.
  const text = typeof inline === 'object' && inline !== null ? JSON.stringify(inline) : textOf(inline)
  return { result: { uri, sha256, sizeBytes, ...(text !== undefined && text.length <= maxInlineResultBytes ? { inline: text } : {}) } }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && typeof value === 'number' && value >= 0
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
