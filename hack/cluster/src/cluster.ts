/**
 * A real control plane on loopback, without root: etcd, kube-apiserver and, when asked for, controller-manager and scheduler.
 *
 * Guarantees: every port is picked free; all state is in one folder; several clusters live side by side; `stop` ends
 * exactly the processes that were started. Users are static tokens, so that `Authorization: Bearer` and TokenReview work.
 *
 * Flow: keys and tokens → etcd → kube-apiserver, waited for by /readyz → the rest.
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isReady } from './api-request.ts'
import { writeSecrets } from './cluster-secrets.ts'
import { writeKubeconfig } from './kubeconfig.ts'
import { freePort, launch, type ServerProcess } from './process.ts'
import { clusterPrograms } from './programs.ts'

export interface ClusterUser {
  readonly name: string
  readonly groups: readonly string[]
}

export interface ClusterOptions {
  /** Where state is kept; a temporary folder, removed at the end, when absent. */
  readonly folder?: string
  readonly log?: (line: string) => void
  /** Start controller-manager and scheduler too (garbage collection, namespaces, service accounts); default true. */
  readonly controllers?: boolean
  /** Users beside `admin`, each with a static token. */
  readonly users?: readonly ClusterUser[]
  /** The servers outlive this process; default false. */
  readonly detached?: boolean
  /** More flags of kube-apiserver. */
  readonly apiServerFlags?: readonly string[]
}

export interface Cluster {
  readonly server: string
  /** PEM of the authority that signed the server's certificate. */
  readonly ca: string
  /** Bearer token of `admin`, group system:masters. */
  readonly token: string
  /** Path of a kubeconfig for `admin`. */
  readonly kubeconfig: string
  /** Path of a kubectl of the same version. */
  readonly kubectl: string
  readonly folder: string
  /** Pids by program name. */
  pids(): Readonly<Record<string, number>>
  /** The token of a user given in `users`. @throws for any other name */
  tokenFor(user: string): string
  /** Ends programs at once, as a crash would. */
  kill(...names: readonly ('etcd' | 'kube-apiserver')[]): Promise<void>
  /** Starts programs that were killed, and waits until the API server is ready. */
  start(...names: readonly ('etcd' | 'kube-apiserver')[]): Promise<void>
  stop(): Promise<void>
}

interface Plan {
  readonly folder: string
  readonly programs: string
  readonly ports: {
    readonly client: number
    readonly peer: number
    readonly api: number
    readonly manager: number
    readonly scheduler: number
  }
  readonly kubeconfig: string
  readonly apiServerFlags: readonly string[]
}

/** Starts a control plane and returns when it is ready (about three seconds once the programs are built). */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const log = options.log ?? (() => undefined)
  const programs = await clusterPrograms(log)
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'mnemos-cluster-')))
  await mkdir(join(folder, 'certs'), { recursive: true })
  const tokens = await writeSecrets(folder, options.users ?? [])
  const plan: Plan = {
    folder,
    programs,
    ports: {
      client: await freePort(),
      peer: await freePort(),
      api: await freePort(),
      manager: await freePort(),
      scheduler: await freePort(),
    },
    kubeconfig: join(folder, 'kubeconfig'),
    apiServerFlags: options.apiServerFlags ?? [],
  }
  const running = new Map<string, ServerProcess>()
  const start = (name: keyof typeof flags): void => {
    const args = flags[name](plan)
    running.set(name, launch({ name, program: join(programs, name), args, folder, detached: options.detached ?? false }))
  }
  const stop = async (): Promise<void> => {
    for (const name of [...running.keys()].reverse()) await running.get(name)?.stop()
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
  }
  const server = `https://127.0.0.1:${plan.ports.api}`
  const token = tokens.get('admin') ?? ''
  try {
    log('Starting etcd and kube-apiserver …')
    start('etcd')
    start('kube-apiserver')
    await ready(plan, token, running)
    const ca = await readFile(join(folder, 'certs', 'apiserver.crt'), 'utf8')
    await writeKubeconfig(plan.kubeconfig, { server, ca, token })
    if (options.controllers ?? true) {
      log('Starting kube-controller-manager and kube-scheduler …')
      start('kube-controller-manager')
      start('kube-scheduler')
    }
    return {
      server,
      ca,
      token,
      folder,
      stop,
      kubeconfig: plan.kubeconfig,
      kubectl: join(programs, 'kubectl'),
      pids: () => Object.fromEntries([...running].map(([name, { pid }]) => [name, pid])),
      tokenFor: (user) => {
        const found = tokens.get(user)
        if (found === undefined) throw new Error(`no user ${user} in this cluster; name it in startCluster({ users })`)
        return found
      },
      kill: async (...names) => {
        for (const name of names) await running.get(name)?.kill()
      },
      start: async (...names) => {
        for (const name of names) start(name)
        await ready(plan, token, running)
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const flags = {
  etcd: ({ folder, ports }: Plan) => [
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=http://127.0.0.1:${ports.client}`,
    `--advertise-client-urls=http://127.0.0.1:${ports.client}`,
    `--listen-peer-urls=http://127.0.0.1:${ports.peer}`,
    `--initial-advertise-peer-urls=http://127.0.0.1:${ports.peer}`,
    `--initial-cluster=default=http://127.0.0.1:${ports.peer}`,
    '--log-level=warn',
  ],
  'kube-apiserver': ({ folder, ports, apiServerFlags }: Plan) => [
    `--etcd-servers=http://127.0.0.1:${ports.client}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    '--endpoint-reconciler-type=none',
    `--secure-port=${ports.api}`,
    `--cert-dir=${join(folder, 'certs')}`,
    `--token-auth-file=${join(folder, 'tokens.csv')}`,
    `--service-account-key-file=${join(folder, 'service-account.pub')}`,
    `--service-account-signing-key-file=${join(folder, 'service-account.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    '--service-cluster-ip-range=10.0.0.0/24',
    '--authorization-mode=RBAC',
    ...apiServerFlags,
  ],
  'kube-controller-manager': ({ folder, ports, kubeconfig }: Plan) => [
    `--kubeconfig=${kubeconfig}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${ports.manager}`,
    '--leader-elect=false',
    '--use-service-account-credentials=true',
    `--service-account-private-key-file=${join(folder, 'service-account.key')}`,
    `--root-ca-file=${join(folder, 'certs', 'apiserver.crt')}`,
  ],
  'kube-scheduler': ({ ports, kubeconfig }: Plan) => [
    `--kubeconfig=${kubeconfig}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${ports.scheduler}`,
    '--leader-elect=false',
  ],
}

/** Waits until the API server says it is ready. @throws with the end of its log when it does not within a minute */
async function ready(plan: Plan, token: string, running: ReadonlyMap<string, ServerProcess>): Promise<void> {
  const deadline = Date.now() + 60_000
  while (Date.now() < deadline) {
    const ca = await readFile(join(plan.folder, 'certs', 'apiserver.crt'), 'utf8').catch(() => undefined)
    if (ca !== undefined && (await isReady({ server: `https://127.0.0.1:${plan.ports.api}`, ca, token }))) return
    await sleep(50)
  }
  const names = [...running.keys()]
  const tails = await Promise.all(
    names.map(async (name) => `${name}: ${(await readFile(join(plan.folder, `${name}.log`), 'utf8')).slice(-2000)}`),
  )
  throw new Error(`the API server was not ready within a minute.\n${tails.join('\n')}`)
}
