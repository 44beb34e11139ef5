/**
 * `mnemos dev`: the whole system on one machine, without root and without Docker.
 *
 * Flow: state folder → control plane → kinds, pool and address → operator, webhook, server, worker → wait for the signal →
 * stop in the opposite order. Guarantees that nothing it started outlives it: children end with the channel to this process,
 * the control plane with its parent.
 */
import { readdir } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import type { Cluster } from '@mnemos/cluster'
import { type Client, createClient, systemClock } from '@mnemos/kube'
import { installJoinToken, installKinds, installPool, publishServer } from '../dev/install.ts'
import { type DevAddresses, processPlans } from '../dev/processes.ts'
import { stepOf, untilReady } from '../dev/readiness.ts'
import { claimState, type DevState } from '../dev/state.ts'
import { type ChildPlan, type Supervised, supervise } from '../dev/supervise.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { type KubeAccess, loadKubeconfig } from '../kubeconfig.ts'
import type { Terminal } from '../terminal.ts'

export interface DevFlags {
  readonly state: string
  /** Use the data of the last run, and leave it for the next. */
  readonly keep: boolean
  readonly verbose: boolean
  /** Folder in which file:// sources are looked up. */
  readonly fileRoot?: string
  readonly useCurrentContext: boolean
}

interface DevOptions extends DevFlags {
  readonly fileRoot: string
  /** Run against this cluster instead of starting one. */
  readonly kubeconfig?: string
  readonly context?: string
}

interface Foundation {
  readonly access: KubeAccess
  readonly kubeconfig: string
  readonly kubectl: string
  readonly cluster?: Cluster
}

/** Runs until the signal is aborted. @throws CliError when something cannot be started; everything is then stopped */
export async function dev({ globals, config, terminal, signal }: Invocation, flags: DevFlags): Promise<ExitCode> {
  const { kubeconfig, context } = globals
  const options: DevOptions = {
    ...flags,
    fileRoot: resolve(flags.fileRoot ?? (await folderOfSmallModel(config.cacheFolder)) ?? join(flags.state, 'files')),
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  }
  const began = systemClock.monotonic()
  const state = await claimState(options.state, options.keep)
  const children: Supervised[] = []
  let cluster: Cluster | undefined
  let client: Client | undefined
  try {
    const foundation = await stepOf(
      terminal,
      'control plane',
      startFoundation(options, state, terminal),
      ({ access }) => access.credentials.server,
    )
    cluster = foundation.cluster
    signal.throwIfAborted()
    const kube = createClient({ credentials: foundation.access.credentials, userAgent: 'mnemos-dev' })
    client = kube
    const addresses = await stepOf(terminal, 'kinds', prepare(kube, signal), toldOfKinds)
    const plans = processPlans({ ...options, config, state, addresses, kubeconfig: foundation.kubeconfig })
    const start = (plan: ChildPlan): Supervised => {
      const child = supervise(plan, { terminal, clock: systemClock, logFolder: state.logs, verbose: options.verbose })
      children.push(child)
      return child
    }
    const ready = (child: Supervised): Promise<void> =>
      stepOf(terminal, child.plan.name, untilReady(child, systemClock, signal), () => `log in ${relative('.', child.logFile)}`)
    for (const child of plans.slice(0, -1).map(start)) await ready(child)
    await installPool(kube, signal)
    // The worker comes last: without an operator and a pool it would only complain.
    for (const plan of plans.slice(-1)) await ready(start(plan))
    const pids = { ...cluster?.pids(), ...Object.fromEntries(children.map((child) => [child.plan.name, child.pid() ?? 0])) }
    const { kubectl } = foundation
    await state.publish({ pid: process.pid, kubeconfig: foundation.kubeconfig, kubectl, server: addresses.serverUrl, pids })
    greet(terminal, foundation, options, (systemClock.monotonic() - began) / 1000)
    await untilAborted(signal)
    terminal.say('Stopping …')
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    for (const child of [...children].reverse()) await child.stop()
    await client?.close()
    await cluster?.stop()
    await state.release(options.keep)
    terminal.clearStatus()
  }
  terminal.say('Stopped; nothing is left running.')
  return exitCodes.ok
}

async function startFoundation(options: DevOptions, state: DevState, terminal: Terminal): Promise<Foundation> {
  if (options.kubeconfig !== undefined || options.useCurrentContext) {
    const access = await loadKubeconfig(options)
    return { access, kubeconfig: options.kubeconfig ?? '', kubectl: 'kubectl' }
  }
  const { startCluster } = await import('@mnemos/cluster')
  const cluster = await startCluster({ folder: state.cluster, log: (line) => terminal.status(`    ${line}`, { lasting: true }) })
  const access = await loadKubeconfig({ kubeconfig: cluster.kubeconfig })
  return { access, kubeconfig: cluster.kubeconfig, kubectl: cluster.kubectl, cluster }
}

/** Installs what the processes need and picks their ports. */
async function prepare(client: Client, signal: AbortSignal): Promise<DevAddresses & { kinds: number }> {
  const kinds = await installKinds(client, systemClock, signal)
  const addresses = await pickAddresses(await installJoinToken(client, signal))
  await publishServer(client, addresses.serverUrl, signal)
  return { ...addresses, kinds }
}

const toldOfKinds = ({ kinds }: { kinds: number }): string => `${kinds} CustomResourceDefinitions, Namespace mnemos-system`

async function pickAddresses(joinToken: string): Promise<DevAddresses> {
  const { freePort } = await import('@mnemos/cluster')
  const server = await freePort()
  return {
    joinToken,
    dispatch: await freePort(),
    operatorHealth: await freePort(),
    webhook: await freePort(),
    webhookHealth: await freePort(),
    server,
    workerHealth: await freePort(),
    serverUrl: `http://127.0.0.1:${server}`,
  }
}

function greet(terminal: Terminal, foundation: Foundation, options: DevOptions, seconds: number): void {
  terminal.write(`\nMNEMOS is up after ${seconds.toFixed(1)} s; Ctrl-C ends it. In another terminal:\n\n`)
  if (foundation.kubeconfig !== '') terminal.write(`  export KUBECONFIG=${foundation.kubeconfig}\n`)
  const next = [
    'kubectl apply -f examples/quickstart/model.yaml',
    'npx mnemos chat smollm2 "Why is the sky blue?"',
    'kubectl get mnemos -A',
  ]
  for (const command of next) terminal.write(`  ${command}\n`)
  terminal.write(`\nfile:// sources are read below ${options.fileRoot}\nkubectl of the same version: ${foundation.kubectl}\n`)
}

/** Where hack/models.ts has put the small model, if it has. */
async function folderOfSmallModel(cacheFolder: string): Promise<string | undefined> {
  const models = join(cacheFolder, 'models')
  const [newest] = (await readdir(models).catch(() => []))
    .filter((name) => !/\.(lock|partial)$/.test(name))
    .sort()
    .reverse()
  return newest === undefined ? undefined : join(models, newest)
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve()
        },
        { once: true },
      )
  })
}
