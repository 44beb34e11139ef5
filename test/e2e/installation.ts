/** A node with our images in it, and Helm and kubectl aimed at it: what an administrator has at hand. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { helmPrograms, type NodeCluster, type NodeOptions, startNode } from '@mnemos/cluster'
import { type BuiltImages, buildOwnImages, buildRedisImage, buildS3Image, modelFolder } from '../../hack/images/build.ts'

const run = promisify(execFile)
export const root = join(import.meta.dirname, '../..')
export const systemNamespace = 'mnemos-system'

/** A command that failed, with what it said. */
export interface Failed {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface Installation {
  readonly node: NodeCluster
  readonly images: BuiltImages & { readonly redis: string; readonly s3: string }
  /** Paths of Helm. */
  readonly helms: Readonly<Record<'v3' | 'v4', string>>
  /** Runs kubectl as admin, or as a user of the node. @throws with its stderr */
  kubectl(args: readonly string[], input?: string): Promise<string>
  /** Runs kubectl and parses what it printed. */
  get<T>(args: readonly string[]): Promise<T>
  /** @throws with its stderr */
  helm(args: readonly string[], version?: 'v3' | 'v4'): Promise<string>
  /** Installs or upgrades from a chart, with the images built here. */
  upgrade(options?: {
    chart?: string
    set?: readonly string[]
    images?: BuiltImages
    args?: readonly string[]
    version?: 'v3' | 'v4'
  }): Promise<string>
  close(): Promise<void>
}

/** Starts a node and builds and imports every image (about a minute once programs are built). */
export async function prepareInstallation(options: NodeOptions = {}): Promise<Installation> {
  const log = options.log ?? (() => undefined)
  const helms = await helmPrograms(log)
  const images = { ...(await buildOwnImages({ root, tag: 'e2e', log })), redis: await buildRedisImage(log), s3: await buildS3Image(log) }
  const node = await startNode(options)
  try {
    for (const image of [images.control, images.worker, images.redis, images.s3]) await node.importImage(image)
  } catch (error) {
    await node.stop()
    throw error
  }
  const env = {
    ...process.env,
    KUBECONFIG: node.kubeconfig,
    HELM_CACHE_HOME: join(node.folder, 'helm'),
    HELM_CONFIG_HOME: join(node.folder, 'helm'),
  }
  const kubectl = async (args: readonly string[], input?: string): Promise<string> => {
    const child = run(node.kubectl, args, { env, maxBuffer: 64 * 1024 * 1024 })
    child.child.stdin?.end(input)
    return (await child).stdout
  }
  const helm = async (args: readonly string[], version: 'v3' | 'v4' = 'v4'): Promise<string> =>
    (await run(helms[version], args, { env, maxBuffer: 64 * 1024 * 1024 })).stdout
  return {
    node,
    images,
    helms,
    kubectl,
    helm,
    get: async <T>(args: readonly string[]) => JSON.parse(await kubectl(['get', ...args, '-o', 'json'])) as T, // as the API server printed it
    upgrade: ({ chart = join(root, 'charts/mnemos'), set = [], images: of = images, args = [], version } = {}) =>
      helm(
        [
          ...['upgrade', '--install', 'mnemos', chart, '--namespace', systemNamespace, '--wait', '--timeout', '3m'],
          ...[...imageValues(of), ...tryOutValues(images), ...set].flatMap((value) => ['--set', value]),
          ...args,
        ],
        version,
      ),
    close: () => node.stop(),
  }
}

function tryOutValues(images: Installation['images']): readonly string[] {
  return (['redis', 's3'] as const).flatMap((name) => [
    `tryOut.${name}.image.repository=${nameOf(images[name])}`,
    `tryOut.${name}.image.tag=${tagOf(images[name])}`,
  ])
}

/** Values of the chart that name the images built here. */
export function imageValues({ control, worker }: BuiltImages): readonly string[] {
  return [
    `image.repository=${nameOf(control)}`,
    `image.tag=${tagOf(control)}`,
    `workerImage.repository=${nameOf(worker)}`,
    `workerImage.tag=${tagOf(worker)}`,
    // There is no engine for GPUs here, and no GPU: the device plugin only counts them.
    `gpuWorkerImage.repository=${nameOf(worker)}`,
    `gpuWorkerImage.tag=${tagOf(worker)}`,
    'imagePullPolicy=Never',
    'operator.extraEnv[0].name=MNEMOS_WORKER_FILE_ROOT',
    `operator.extraEnv[0].value=${modelFolder}`,
  ]
}

const nameOf = (image: string): string => image.slice(0, image.lastIndexOf(':'))
const tagOf = (image: string): string => image.slice(image.lastIndexOf(':') + 1)

/** The lines of the audit log, oldest first. */
export async function auditOf({ auditLog }: NodeCluster): Promise<readonly AuditEvent[]> {
  const lines = (await readFile(auditLog, 'utf8')).split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as AuditEvent) // written by the API server
}

export interface AuditEvent {
  readonly verb: string
  readonly requestReceivedTimestamp: string
  readonly stageTimestamp: string
  readonly user: { readonly username: string }
  readonly objectRef?: {
    readonly apiGroup?: string
    readonly resource: string
    readonly subresource?: string
    readonly namespace?: string
    readonly name?: string
  }
  readonly responseStatus?: { readonly code?: number }
}
