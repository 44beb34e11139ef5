/**
 * The programs of a real node and what installs into it: compiled once from pinned sources by the Go toolchain into the
 * cache, and packages of Debian.
 *
 * kubelet, kube-proxy and the test device plugin are one binary of our own (`hack/cluster/node`), at the version of the
 * control plane; containerd, CoreDNS and Helm are taken by their module's version.
 */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cached, cacheFolder } from './cache.ts'
import { debianPackages } from './debian.ts'
import { buildImage, removeImage, saveImage } from './images.ts'
import { goMissing, kubernetesVersion, versionStamp } from './programs.ts'
import { run } from './run.ts'

type Log = (line: string) => void

const containerd = 'v2.3.7'
const coredns = 'v1.15.0'
const helm = { v3: 'v3.22.0', v4: 'v4.3.1' } as const
const kwok = 'v0.8.0'
const source = join(import.meta.dirname, '..', 'node')

/** What the node takes from Debian. */
const packages = ['runc', 'containernetworking-plugins', 'nftables', 'iproute2', 'util-linux', 'openssl'] as const

/** The name under which containerd knows the image of a pod's sandbox. */
export const pauseImage = 'localhost/mnemos-pause:1'

/** Folders of programs, and the archive of the sandbox image. */
export interface NodePrograms {
  /** kubelet, kube-proxy, device-plugin. */
  readonly node: string
  /** containerd, containerd-shim-runc-v2, ctr. */
  readonly containerd: string
  readonly coredns: string
  readonly pauseArchive: string
}

/**
 * Builds and installs what a node needs and is not there yet: about four minutes on two cores when the control plane's
 * compile cache is warm.
 * @throws when Go, root or a package is missing; says which and what to do
 */
export async function nodePrograms(log: Log = () => undefined): Promise<NodePrograms> {
  await debianPackages(packages, log)
  return {
    node: await ownPrograms(log),
    containerd: await installed('containerd', containerd, log, [
      'github.com/containerd/containerd/v2/cmd/containerd',
      'github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2',
      'github.com/containerd/containerd/v2/cmd/ctr',
    ]),
    coredns: await installed('coredns', coredns, log, ['github.com/coredns/coredns']),
    pauseArchive: await pauseArchive(log),
  }
}

/** Paths of Helm, both of its living majors; built when absent (two minutes on two cores). */
export async function helmPrograms(log: Log = () => undefined): Promise<{ readonly v3: string; readonly v4: string }> {
  // Without these Helm 3 renders for Kubernetes 1.20 when it is not connected to a cluster.
  const minor = (await kubernetesVersion()).split('.')[1] ?? ''
  const kubernetes = ['chartutil', 'lint/rules'].map((name) => `-X helm.sh/helm/v3/pkg/${name}.k8sVersionMinor=${minor}`).join(' ')
  const v3 = await installed(
    'helm',
    helm.v3,
    log,
    ['helm.sh/helm/v3/cmd/helm'],
    `${kubernetes} -X helm.sh/helm/v3/internal/version.version=${helm.v3}`,
  )
  const v4 = await installed('helm', helm.v4, log, ['helm.sh/helm/v4/cmd/helm'], `-X helm.sh/helm/v4/internal/version.version=${helm.v4}`)
  return { v3: join(v3, 'helm'), v4: join(v4, 'helm') }
}

/** Path of kwok, which plays the part of the kubelets of nodes that do not exist; built when absent (two minutes on two cores). */
export async function kwokProgram(log: Log = () => undefined): Promise<string> {
  return join(await installed('kwok', kwok, log, ['sigs.k8s.io/kwok/cmd/kwok']), 'kwok')
}

async function installed(name: string, version: string, log: Log, paths: readonly string[], stamp = ''): Promise<string> {
  const key = stamp === '' ? version : `${version}-${createHash('sha256').update(stamp).digest('hex').slice(0, 6)}`
  return cached(cacheFolder(process.env), join('cluster', `${name}-${key}`), async (into) => {
    log(`Building ${name} ${version} from source (once, one or two minutes) …`)
    const args = ['install', '-trimpath', '-ldflags', `-s -w ${stamp}`, ...paths.map((path) => `${path}@${version}`)]
    await run('go', args, { cwd: into, env: { GOBIN: into, GOFLAGS: '-buildvcs=false' }, whenMissing: goMissing })
  })
}

async function ownPrograms(log: Log): Promise<string> {
  const version = await kubernetesVersion()
  const files = (await readdir(source)).filter((name) => name.endsWith('.go') || name.startsWith('go.'))
  const entry = join('cluster', `node-${version}-${await hashOf(files)}`)
  return cached(cacheFolder(process.env), entry, async (into) => {
    log(`Building kubelet and kube-proxy ${version} from source (once) …`)
    const args = ['build', '-trimpath', '-buildvcs=false', '-ldflags', `-s -w ${versionStamp(version)}`, '-o', join(into, 'node'), '.']
    await run('go', args, { cwd: source, whenMissing: goMissing })
    for (const name of ['kubelet', 'kube-proxy', 'device-plugin']) await symlink('node', join(into, name))
  })
}

/** The sandbox image as an archive: one static program in an image of its own. */
async function pauseArchive(log: Log): Promise<string> {
  const entry = join('images', `pause-${await hashOf([join('pause', 'main.go')])}`)
  const folder = await cached(cacheFolder(process.env), entry, async (into) => {
    const context = join(into, 'context')
    await mkdir(context)
    const args = ['build', '-trimpath', '-buildvcs=false', '-ldflags', '-s -w', '-o', join(context, 'pause'), './pause']
    await run('go', args, { cwd: source, env: { CGO_ENABLED: '0' }, whenMissing: goMissing })
    await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY pause /pause\nUSER 65535:65535\nENTRYPOINT ["/pause"]\n')
    await buildImage({ dockerfile: join(context, 'Dockerfile'), context, tag: pauseImage, log })
    await saveImage(pauseImage, join(into, 'partial.tar'))
    await removeImage(pauseImage)
    await rename(join(into, 'partial.tar'), join(into, 'image.tar'))
  })
  return join(folder, 'image.tar')
}

async function hashOf(files: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const file of [...files].sort()) hash.update(file).update(await readFile(join(source, file)))
  return hash.digest('hex').slice(0, 12)
}
