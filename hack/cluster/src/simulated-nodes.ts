/**
 * Nodes that do not exist, for measuring what makes pods: a real API server and scheduler, and kwok in place of the kubelets.
 *
 * Guarantees: the nodes are Ready when `startSimulatedNodes` returns; everything listens on loopback; `stop` ends exactly the process
 * that was started. The cluster needs its controllers: the scheduler binds the pods.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ApiAccess, apiRequest } from './api-request.ts'
import type { Cluster } from './cluster.ts'
import { kwokProgram } from './node-programs.ts'
import { until } from './node-readiness.ts'
import { freePort, launch } from './process.ts'
import { simulation } from './simulated-stages.ts'

export interface SimulationOptions {
  /** Default 5. */
  readonly nodes?: number
  readonly log?: (line: string) => void
}

export interface SimulatedNodes {
  readonly names: readonly string[]
  /** Pid of kwok. */
  readonly pid: number
  stop(): Promise<void>
}

/** Adds Nodes to a cluster, on which pods run for no time at all and succeed. @throws when kwok cannot be built, or no node gets ready */
export async function startSimulatedNodes(
  cluster: Cluster,
  { nodes = 5, log = () => undefined }: SimulationOptions = {},
): Promise<SimulatedNodes> {
  const program = await kwokProgram(log)
  const { folder, kubeconfig } = cluster
  const config = join(folder, 'kwok.yaml')
  await writeFile(config, simulation(`127.0.0.1:${await freePort()}`))
  const names = Array.from({ length: nodes }, (_, index) => `simulated-${index}`)
  for (const name of names) await addNode(cluster, name)
  const args = ['--config', config, '--kubeconfig', kubeconfig]
  const kwok = launch({ name: 'kwok', program, args, folder, detached: false, inGroup: true })
  try {
    await until('every simulated node is ready', async () =>
      (await Promise.all(names.map((name) => isNodeReady(cluster, name)))).every(Boolean),
    )
  } catch (error) {
    await kwok.stop()
    const said = await readFile(join(folder, 'kwok.log'), 'utf8')
    throw new Error(`no simulated nodes; kwok said last:\n${said.slice(-1500)}`, { cause: error })
  }
  return { names, pid: kwok.pid, stop: () => kwok.stop() }
}

async function addNode(access: ApiAccess, name: string): Promise<void> {
  const labels = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', type: 'kwok' }
  const answer = await apiRequest(access, '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } })
  if (answer.code !== 201 && answer.code !== 409) throw new Error(`Node ${name} could not be created: ${answer.code} ${answer.body}`)
}

/** Ready, and without the taint that keeps pods away until the control plane has seen that. */
async function isNodeReady(access: ApiAccess, name: string): Promise<boolean> {
  const answer = await apiRequest(access, `/api/v1/nodes/${name}`)
  if (answer.code !== 200) return false
  const { spec, status } = JSON.parse(answer.body) as {
    spec?: { taints?: readonly unknown[] }
    status?: { conditions?: readonly { type: string; status: string }[] }
  }
  const isReady = status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false
  return isReady && (spec?.taints ?? []).length === 0
}
