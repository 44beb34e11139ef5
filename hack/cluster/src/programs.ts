/**
 * The programs of the control plane: compiled once from source by the Go toolchain into the cache, then reused.
 *
 * The entry's name holds the Kubernetes version and a hash of the Go sources, so that a change of either builds anew.
 */
import { createHash } from 'node:crypto'
import { readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { cached, cacheFolder } from './cache.ts'
import { run } from './run.ts'

export const programNames = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'] as const
export type ProgramName = (typeof programNames)[number]

/** What to do when there is no Go toolchain; ends an error's sentence. */
export const goMissing = 'install Go 1.26 or newer (https://go.dev/doc/install)'
const source = join(import.meta.dirname, '..')
const sourceFiles = ['go.mod', 'go.sum', 'main.go', 'parent_linux.go', 'parent_other.go']

/**
 * The folder that holds every program by its name; builds them when they are absent (about five minutes on two cores,
 * needs Go and the module proxy).
 * @param log gets progress lines while building
 */
export async function clusterPrograms(log: (line: string) => void = () => undefined): Promise<string> {
  const { version, hash } = await sourceVersion()
  return cached(cacheFolder(process.env), join('cluster', `${version}-${hash}`), async (into) => {
    log(`Building the Kubernetes ${version} control plane from source (once, about five minutes on two cores) …`)
    await build(into, version, log)
    for (const name of programNames) await symlink('cluster', join(into, name))
    log('Built the control plane.')
  })
}

async function sourceVersion(): Promise<{ version: string; hash: string }> {
  const hash = createHash('sha256')
  let version = ''
  for (const file of sourceFiles) {
    const content = await readFile(join(source, file), 'utf8')
    hash.update(file).update(content)
    version ||= /k8s\.io\/kubernetes (v[\d.]+)/.exec(content)?.[1] ?? ''
  }
  return { version, hash: hash.digest('hex').slice(0, 12) }
}

/** The Kubernetes version that is built, with its `v`. */
export async function kubernetesVersion(): Promise<string> {
  return (await sourceVersion()).version
}

/** Linker flags that make a program say its version. */
export function versionStamp(version: string): string {
  const [, major = '1', minor = '0'] = /^v(\d+)\.(\d+)/.exec(version) ?? []
  const fields = { gitVersion: version, gitMajor: major, gitMinor: minor }
  return Object.entries(fields)
    .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
    .join(' ')
}

async function build(into: string, version: string, log: (line: string) => void): Promise<void> {
  const total = (await run('go', ['list', '-deps', '.'], { cwd: source, whenMissing: goMissing })).length
  let compiled = 0
  let shown = Date.now()
  const onError = (line: string): void => {
    if (!line.includes('/')) return
    compiled += 1
    if (Date.now() - shown < 5000) return
    shown = Date.now()
    log(`  compiled ${compiled} of about ${total} packages (${Math.min(99, Math.round((100 * compiled) / total))} %)`)
  }
  const args = [
    'build',
    '-v',
    '-trimpath',
    '-buildvcs=false',
    '-ldflags',
    `-s -w ${versionStamp(version)}`,
    '-o',
    join(into, 'cluster'),
    '.',
  ]
  await run('go', args, { cwd: source, onError, whenMissing: goMissing })
}
