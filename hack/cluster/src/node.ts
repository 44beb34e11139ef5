/**
 * A real Kubernetes node on this machine, without Docker and without a registry: the control plane, containerd, kubelet,
 * kube-proxy and CoreDNS, in namespaces of their own that no packet leaves (Linux, root).
 *
 * Guarantees: one node per machine at a time, a second start says whose it is; `stop` leaves no process, mount, namespace,
 * control group, link, packet filter or file (logs stay in a folder that was given); what a killed driver leaves dies with
 * it but for pods, which the next start cleans.
 *
 * Flow: namespaces, certificates → etcd, kube-apiserver, containerd → the rest at once → Node Ready, DNS and proxy ready.
 */
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeName } from './addresses.ts'
import { type ApiAccess, apiRequest } from './api-request.ts'
import type { Cluster, ClusterUser } from './cluster.ts'
import { corefile, dnsAccess } from './cluster-dns.ts'
import { writeSecrets } from './cluster-secrets.ts'
import { containerdConfiguration, importArchive, podNetwork } from './containerd.ts'
import { saveImage } from './images.ts'
import { writeKubeconfig } from './kubeconfig.ts'
import { kubeletArguments, kubeletConfiguration, proxyConfiguration } from './kubelet.ts'
import { makeNamespace, type Namespace } from './namespace.ts'
import { enforcePolicies, policyAccess } from './network-policy-sync.ts'
import { writeCertificates } from './node-certificates.ts'
import { apiServer, auditPolicy, componentUsers, controlPlaneArguments } from './node-control-plane.ts'
import { type NodePrograms, nodePrograms } from './node-programs.ts'
import { waitForApiServer, waitForNode, withLogs } from './node-readiness.ts'
import { claimNode, cleanNode, releaseNode } from './node-record.ts'
import { launch, type ServerProcess } from './process.ts'
import { clusterPrograms } from './programs.ts'

export interface NodeOptions {
  /** Where state is kept: absent or empty; logs stay there. A temporary folder, removed at the end, when absent. */
  readonly folder?: string
  readonly log?: (line: string) => void
  /** Users beside `admin`, each with a static token. */
  readonly users?: readonly ClusterUser[]
  /** More flags of kube-apiserver. */
  readonly apiServerFlags?: readonly string[]
  /** How many `nvidia.com/gpu` the node advertises, by a device plugin without devices; default 0: no plugin. */
  readonly gpus?: number
  /** Keep an audit log (level Metadata) at `auditLog`; default false. */
  readonly audit?: boolean
  /** Enforce NetworkPolicies; default true. False leaves every connection between pods open, as some networks do. */
  readonly networkPolicies?: boolean
}

/** A cluster with one node. Its API server is reachable from this machine and from pods; pods and Services only from inside. */
export interface NodeCluster extends Cluster {
  /** The name of the Node object. */
  readonly nodeName: string
  /** Path of the audit log, one JSON object a line; nothing is there unless `audit` was asked for. */
  readonly auditLog: string
  /** Takes an image into the node: a path of a tar (docker-archive or OCI), or the name of one that `buildImage` made. */
  importImage(image: string): Promise<void>
  /** Runs a program in the node's network and returns the lines of its output. @throws when it fails */
  run(program: string, args: readonly string[], input?: string): Promise<string[]>
}

/** What stays in a folder that was given. */
const keptFiles: readonly string[] = ['logs', 'audit.log']

type Start = (name: string, program: string, args: readonly string[]) => void

/** Starts a node and returns when pods can run on it (well below a minute once the programs are built). */
export async function startNode(options: NodeOptions = {}): Promise<NodeCluster> {
  const log = options.log ?? (() => undefined)
  if (process.platform !== 'linux') throw new Error('a node needs Linux; elsewhere use kind')
  if (process.getuid?.() !== 0) throw new Error('a node needs root: run this as root, or use kind')
  const control = await clusterPrograms(log)
  const programs = await nodePrograms(log)
  await cleanNode()
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'mnemos-node-')))
  const kept = options.folder === undefined ? [] : keptFiles
  try {
    if (options.folder !== undefined) await checkFolder(options.folder)
    await claimNode({ folder, keep: kept })
  } catch (error) {
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
    throw error
  }
  try {
    return await startIn({ folder, control, programs, options, log })
  } catch (error) {
    const told = await withLogs(error, join(folder, 'logs'))
    await releaseNode()
    throw told
  }
}

/** What is in a folder when the node is stopped is removed, so it may hold nothing of somebody else. */
async function checkFolder(folder: string): Promise<void> {
  const others = (await readdir(folder).catch(() => [])).filter((name) => !keptFiles.includes(name))
  if (others.length > 0) throw new Error(`${folder} is not empty (${others.slice(0, 3).join(', ')}); name a folder of its own for the node`)
  await rm(join(folder, 'audit.log'), { force: true })
}

async function startIn(plan: {
  readonly folder: string
  readonly control: string
  readonly programs: NodePrograms
  readonly options: NodeOptions
  readonly log: (line: string) => void
}): Promise<NodeCluster> {
  const { folder, control, programs, options, log } = plan
  log('Making namespaces, certificates and configurations …')
  const kubeconfigs = join(folder, 'kubeconfigs')
  const logs = join(folder, 'logs')
  for (const name of [kubeconfigs, logs, join(folder, 'cni')]) await mkdir(name, { recursive: true })
  const [namespace, ca, tokens] = await Promise.all([
    makeNamespace(folder),
    writeCertificates(join(folder, 'certs')),
    writeSecrets(folder, [...Object.values(componentUsers), ...(options.users ?? [])]),
  ])
  const access: ApiAccess = { server: apiServer, ca, token: tokens.get('admin') ?? '' }
  const kubeconfig = join(folder, 'kubeconfig')
  await writeKubeconfig(kubeconfig, access)
  await writeConfigurations({ folder, kubeconfigs, namespace, access, tokens })

  const running = new Map<string, ServerProcess>()
  const start: Start = (name, program, args) => {
    running.set(name, launch({ name, ...namespace.inside(program, args), folder: logs, detached: false }))
  }
  const flags = controlPlaneArguments({ folder, kubeconfigs, audit: options.audit ?? false, apiServerFlags: options.apiServerFlags ?? [] })
  const startControl = (name: keyof typeof flags): void => start(name, join(control, name), flags[name])

  log('Starting etcd, kube-apiserver and containerd …')
  startControl('etcd')
  startControl('kube-apiserver')
  start('containerd', 'env', [
    `PATH=${programs.containerd}:${process.env['PATH'] ?? ''}`,
    'containerd',
    '--config',
    join(folder, 'containerd.toml'),
  ])
  const importTar = (tar: string): Promise<void> => importArchive({ ctr: join(programs.containerd, 'ctr'), folder, tar })
  await Promise.all([waitForApiServer(access), untilImported(importTar, programs.pauseArchive)])
  for (const object of [...dnsAccess, ...policyAccess]) await createRbac(access, object)

  log('Starting the other programs of the control plane and of the node …')
  startControl('kube-controller-manager')
  startControl('kube-scheduler')
  start('kubelet', join(programs.node, 'kubelet'), kubeletArguments(folder, kubeconfigs))
  start('kube-proxy', join(programs.node, 'kube-proxy'), [`--config=${join(folder, 'kube-proxy.json')}`])
  start('coredns', join(programs.coredns, 'coredns'), ['-conf', join(folder, 'Corefile')])
  const gpus = options.gpus ?? 0
  if (gpus > 0) start('device-plugin', join(programs.node, 'device-plugin'), ['-count', String(gpus)])
  const ended = new AbortController()
  if (options.networkPolicies ?? true) {
    if (!namespace.hasBridgeFilter)
      log('This kernel has no bridge filter: NetworkPolicies hold only between pods and the node, not between pods.')
    await enforcePolicies({
      access: { ...access, token: tokens.get(componentUsers['network-policies'].name) ?? '' },
      apply: (script) => namespace.run('nft', ['-f', '-'], script),
      signal: ended.signal,
    })
  }
  await waitForNode(access, gpus)

  return {
    ...access,
    nodeName,
    folder,
    kubeconfig,
    kubectl: join(control, 'kubectl'),
    auditLog: join(folder, 'audit.log'),
    pids: () => Object.fromEntries([...running].map(([name, { pid }]) => [name, pid])),
    tokenFor: (user) => {
      const found = tokens.get(user)
      if (found === undefined) throw new Error(`no user ${user} in this cluster; name it in startNode({ users })`)
      return found
    },
    kill: async (...names) => {
      for (const name of names) await running.get(name)?.kill()
    },
    start: async (...names) => {
      for (const name of names) startControl(name)
      await waitForApiServer(access)
    },
    stop: async () => {
      ended.abort()
      await releaseNode()
    },
    importImage: async (image) => importImage({ image, folder, importTar }),
    run: (program, args, input) => namespace.run(program, args, input),
  }
}

async function writeConfigurations(plan: {
  readonly folder: string
  readonly kubeconfigs: string
  readonly namespace: Namespace
  readonly access: ApiAccess
  readonly tokens: ReadonlyMap<string, string>
}): Promise<void> {
  const { folder, kubeconfigs, namespace, access, tokens } = plan
  for (const [program, { name }] of Object.entries(componentUsers)) {
    await writeKubeconfig(join(kubeconfigs, `${program}.kubeconfig`), { ...access, token: tokens.get(name) ?? '' })
  }
  const files: Readonly<Record<string, string | object>> = {
    'audit-policy.json': auditPolicy,
    'kubelet.json': kubeletConfiguration(folder),
    'kube-proxy.json': proxyConfiguration(kubeconfigs, namespace.hasBridgeFilter),
    'containerd.toml': containerdConfiguration(folder),
    'cni/10-mnemos.conflist': podNetwork(folder),
    'resolv.conf': '',
    Corefile: corefile(kubeconfigs),
  }
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content, null, 2))
  }
}

/** containerd serves some moments after its start. */
async function untilImported(importTar: (tar: string) => Promise<void>, tar: string): Promise<void> {
  const deadline = Date.now() + 30_000
  for (;;) {
    try {
      await importTar(tar)
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

async function createRbac(access: ApiAccess, object: object): Promise<void> {
  const kind = 'kind' in object && object.kind === 'ClusterRole' ? 'clusterroles' : 'clusterrolebindings'
  const { code, body } = await apiRequest(access, `/apis/rbac.authorization.k8s.io/v1/${kind}`, object)
  if (code !== 201 && code !== 409) throw new Error(`the rights of the node's programs could not be written (${code}): ${body}`)
}

async function importImage(plan: {
  readonly image: string
  readonly folder: string
  readonly importTar: (tar: string) => Promise<void>
}): Promise<void> {
  const isTar = await stat(plan.image).then(
    (found) => found.isFile(),
    () => false,
  )
  if (isTar) {
    await plan.importTar(plan.image)
    return
  }
  const tar = join(plan.folder, `import-${process.hrtime.bigint()}.tar`)
  try {
    await saveImage(plan.image, tar)
    await plan.importTar(tar)
  } finally {
    await rm(tar, { force: true })
  }
}
