/**
 * `mnemos operator|webhook|server|recorder|worker|attempt|sidecar`: one process of the system, with the kubeconfig's credentials, or the pod's.
 *
 * The only place besides main.ts that knows the processes; each is loaded when it is named. Everything else they are told
 * comes from the environment, read by their own config.ts.
 */

import type { Credentials } from '@mnemos/kube'
import { inClusterCredentials } from '@mnemos/kube'
import { pino } from 'pino'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { loadKubeconfig } from '../kubeconfig.ts'
import type { Terminal } from '../terminal.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** What a process gets beside its configuration. */
interface Ports {
  readonly signal: AbortSignal
  readonly logger: pino.Logger
  readonly credentials: () => Promise<Credentials>
  /** Flags behind the name of the process. */
  readonly args: readonly string[]
  readonly terminal: Terminal
}

const processes: Readonly<Record<string, (environment: Environment, ports: Ports) => Promise<void>>> = {
  operator: async (environment, { credentials, signal, logger }) => {
    const { parseOperatorConfig, runOperator } = await import('@mnemos/operator')
    await runOperator(parseOperatorConfig(environment), { credentials: await credentials(), signal, logger })
  },
  webhook: async (environment, { credentials, signal, logger }) => {
    const { parseWebhookConfig, runWebhook } = await import('@mnemos/webhooks')
    await runWebhook(parseWebhookConfig(environment), { credentials: await credentials(), signal, logger })
  },
  server: async (environment, { credentials, signal, logger }) => {
    const { parseServerConfig, runServer } = await import('@mnemos/server')
    await runServer(parseServerConfig(environment), { credentials: await credentials(), signal, logger })
  },
  recorder: async (environment, { credentials, signal, logger }) => {
    const { parseRecorderConfig, runRecorder } = await import('@mnemos/recorder')
    await runRecorder(parseRecorderConfig(environment), { credentials: await credentials(), signal, logger })
  },
  attempt: async (environment, { signal, logger }) => {
    const { parseDedicatedConfig, runDedicated } = await import('@mnemos/worker')
    await runDedicated(parseDedicatedConfig(environment), { signal, logger })
  },
  sidecar: async (environment, { signal, logger }) => {
    const { parseSidecarConfig, runSidecar } = await import('@mnemos/worker')
    await runSidecar(parseSidecarConfig(environment), { signal, logger })
  },
  worker: async (environment, { signal, logger, args, terminal }) => {
    const { parseWorkerArgs, runWorker, workerHelp } = await import('@mnemos/worker')
    const config = parseWorkerArgs(args, environment)
    if (config === undefined) terminal.write(workerHelp().replace('node worker/src/main.ts', 'mnemos worker'))
    else await runWorker(config, { signal, logger, isProcess: true })
  },
}

/** Runs until the signal. @throws what the process throws when it cannot start */
export async function runProcess(
  name: string,
  { config, globals, signal, terminal }: Invocation,
  args: readonly string[],
): Promise<ExitCode> {
  const run = processes[name]
  if (run === undefined) throw new Error(`no process is called ${name}`)
  // Synchronous: what is still buffered when the reader of our output has died would be tried again for ever at the end
  // (sonic-boom takes EPIPE for a pause), and the process would outlive its parent.
  const logger = pino({ name, level: config.environment['MNEMOS_LOG_LEVEL'] ?? 'info' }, pino.destination({ fd: 1, sync: true }))
  const named = globals.kubeconfig !== undefined || globals.context !== undefined
  const inPod = !named && config.environment['KUBERNETES_SERVICE_HOST'] !== undefined
  await run(config.environment, {
    args,
    terminal,
    signal,
    logger,
    credentials: async () => (inPod ? inClusterCredentials(config.environment) : (await loadKubeconfig(globals)).credentials),
  })
  return exitCodes.ok
}
