/** What tests on the real node share: an image of nothing but busybox, pods under the restricted rules, kubectl, and traces. */
import { execFile } from 'node:child_process'
import { access, copyFile, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildImage, debianPackages, type NodeCluster } from '@mnemos/cluster'

const execute = promisify(execFile)

export const busyboxImage = 'localhost/mnemos-busybox:test'

/** Why tests that need a real node cannot run here; false when they can. */
export const nodeIsImpossible: string | false =
  process.platform !== 'linux' ? 'a real node needs Linux' : process.getuid?.() !== 0 ? 'a real node needs root' : false

/** Builds an image from a root file system of one static program. */
export async function buildBusyboxImage(): Promise<void> {
  await debianPackages(['busybox-static'])
  const context = await mkdtemp(join(tmpdir(), 'mnemos-busybox-'))
  try {
    await copyFile('/bin/busybox', join(context, 'busybox'))
    const lines = [
      'FROM scratch',
      'COPY busybox /bin/busybox',
      'RUN ["/bin/busybox", "--install", "-s", "/bin"]',
      'ENV PATH=/bin',
      'USER 65532:65532',
    ]
    await writeFile(join(context, 'Dockerfile'), `${lines.join('\n')}\n`)
    await buildImage({ dockerfile: join(context, 'Dockerfile'), context, tag: busyboxImage })
  } finally {
    await rm(context, { recursive: true })
  }
}

/** Runs kubectl as admin and returns its stdout. @throws with its stderr when it fails */
export async function kubectl(cluster: NodeCluster, ...args: readonly string[]): Promise<string> {
  const { stdout } = await execute(cluster.kubectl, ['--kubeconfig', cluster.kubeconfig, ...args], { timeout: 60_000 })
  return stdout
}

/** Applies objects. */
export async function apply(cluster: NodeCluster, ...objects: readonly object[]): Promise<void> {
  const file = join(cluster.folder, `apply-${process.hrtime.bigint()}.json`)
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }))
  await kubectl(cluster, 'apply', '--filename', file)
}

export interface PodSketch {
  readonly name: string
  readonly namespace: string
  readonly command: string
  readonly labels?: Readonly<Record<string, string>>
  readonly gpus?: number
}

/** A pod that runs a shell command under the restricted rules, with a token for audience `mnemos` at /var/run/test/token. */
export function restrictedPod({ name, namespace, command, labels, gpus = 0 }: PodSketch): object {
  const limits = gpus === 0 ? {} : { 'nvidia.com/gpu': gpus }
  const token = { serviceAccountToken: { audience: 'mnemos', expirationSeconds: 600, path: 'token' } }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 1,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 65532,
        runAsGroup: 65532,
        fsGroup: 65532,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: 'main',
          image: busyboxImage,
          imagePullPolicy: 'Never',
          command: ['sh', '-c', command],
          resources: { limits },
          securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
          volumeMounts: [
            { name: 'tmp', mountPath: '/tmp' },
            { name: 'token', mountPath: '/var/run/test' },
          ],
        },
      ],
      volumes: [
        { name: 'tmp', emptyDir: {} },
        { name: 'token', projected: { sources: [token] } },
      ],
    },
  }
}

/** The namespaces of a running node: `net:[4026532…]` and `mnt:[…]`. */
export async function namespacesOf(cluster: NodeCluster): Promise<readonly string[]> {
  return cluster.run('readlink', ['/proc/self/ns/net', '/proc/self/ns/mnt'])
}

/** Everything on this machine that belongs to a node with this folder and these namespaces; empty when it left no trace. */
export async function tracesOf(folder: string, namespaces: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const links = await Promise.all(['net', 'mnt'].map((kind) => readlink(`/proc/${pid}/ns/${kind}`).catch(() => '')))
    const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')
    if (links.some((link) => namespaces.includes(link)) || groups.includes('mnemos-node')) found.push(`process ${pid}`)
  }
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n')
  found.push(...mounts.filter((line) => line.includes(folder) || namespaces.some((name) => line.includes(name))))
  for (const hierarchy of ['.', ...(await readdir('/sys/fs/cgroup'))])
    found.push(...(await present(join('/sys/fs/cgroup', hierarchy, 'mnemos-node'))))
  found.push(...(await present(folder)), ...(await present('/run/mnemos/node.json')))
  const { stdout: links } = await execute('ip', ['-oneline', 'link'])
  const { stdout: tables } = await execute('nft', ['list', 'tables'])
  found.push(...`${links}\n${tables}`.split('\n').filter((line) => /mnemos|kube-proxy/.test(line)))
  return found
}

/** Which of the folders that programs of a node have fixed in their code are on this machine, and its kernel settings. */
export async function machineState(): Promise<readonly string[]> {
  const folders = ['/var/lib/kubelet', '/run/containerd', '/var/lib/cni', '/var/log/containers', '/var/log/pods', '/run/netns', '/etc/cni']
  const settings = ['vm/overcommit_memory', 'vm/panic_on_oom', 'kernel/panic', 'kernel/panic_on_oops', 'net/ipv4/ip_forward']
  const values = settings.map(async (name) => `${name}=${(await readFile(`/proc/sys/${name}`, 'utf8')).trim()}`)
  return [...(await Promise.all(folders.map(present))).flat(), ...(await Promise.all(values))]
}

async function present(path: string): Promise<string[]> {
  return access(path).then(
    () => [path],
    () => [],
  )
}
