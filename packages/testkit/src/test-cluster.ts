/** A real API server for one test file: started before its tests, stopped after them. */
import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after } from 'node:test'
import { promisify } from 'node:util'
import { type Cluster, type ClusterOptions, startCluster } from '@mnemos/cluster'

const run = promisify(execFile)
const crdFolder = join(import.meta.dirname, '../../../crds')

export interface TestCluster extends Cluster {
  /** Access for `createClient`, as `admin` or as a user named in `users`. */
  credentials(user?: string): { server: string; tls: { ca: string }; token: () => Promise<string> }
  /** Runs kubectl and returns what it printed. @throws with `stderr` when it failed */
  kubectlRun(args: readonly string[], input?: string): Promise<{ stdout: string; stderr: string }>
}

export interface TestClusterOptions extends ClusterOptions {
  /** Install our CustomResourceDefinitions and wait until they serve. */
  readonly crds?: boolean
}

/** Starts a control plane that ends with the calling test file. Without `controllers: true` only etcd and the API server run. */
export async function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const cluster = await startCluster({ controllers: false, ...options })
  after(() => cluster.stop())
  const kubectlRun = async (args: readonly string[], input?: string): Promise<{ stdout: string; stderr: string }> => {
    const child = run(cluster.kubectl, args, { env: { ...process.env, KUBECONFIG: cluster.kubeconfig }, maxBuffer: 32 * 1024 * 1024 })
    child.child.stdin?.end(input)
    return child
  }
  if (options.crds === true) await installCrds(kubectlRun)
  return {
    ...cluster,
    kubectlRun,
    credentials: (user = 'admin') => ({
      server: cluster.server,
      tls: { ca: cluster.ca },
      token: () => Promise.resolve(cluster.tokenFor(user)),
    }),
  }
}

async function installCrds(kubectl: TestCluster['kubectlRun']): Promise<void> {
  const files = (await readdir(crdFolder)).filter((name) => name.endsWith('.yaml'))
  if (files.length === 0) throw new Error('crds/ is empty; run npm run generate')
  await kubectl(['apply', '--server-side', '-f', crdFolder])
  await kubectl(['wait', '--for=condition=Established', '--timeout=30s', '-f', crdFolder])
}
