/**
 * The four processes of `mnemos dev` as data: how each is started, what it is told by its environment, where it says that it
 * is ready. In the order in which they start.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CliConfig } from '../config.ts'
import { devPool } from './install.ts'
import type { DevState } from './state.ts'
import type { ChildPlan } from './supervise.ts'

/** Ports on 127.0.0.1 and what the worker joins with. */
export interface DevAddresses {
  readonly joinToken: string
  readonly dispatch: number
  readonly operatorHealth: number
  readonly webhook: number
  readonly webhookHealth: number
  readonly server: number
  readonly workerHealth: number
  readonly serverUrl: string
}

export interface ProcessOptions {
  readonly config: CliConfig
  readonly state: DevState
  /** Empty: whatever the environment says. */
  readonly kubeconfig: string
  readonly context?: string
  readonly fileRoot: string
  readonly addresses: DevAddresses
}

const main = join(import.meta.dirname, '../main.ts')

/** Also writes the join token to a file of the state folder, for nobody but this user. */
export function processPlans(options: ProcessOptions): readonly ChildPlan[] {
  const { addresses, state, fileRoot } = options
  writeFileSync(state.joinToken, addresses.joinToken, { mode: 0o600 })
  const plan = childPlan(options)
  return [
    plan('operator', 'cyan', addresses.operatorHealth, 5000, {
      MNEMOS_DISPATCH_HOST: '127.0.0.1',
      MNEMOS_DISPATCH_PORT: String(addresses.dispatch),
      MNEMOS_HEALTH_PORT: String(addresses.operatorHealth),
      MNEMOS_SERVER_URL: addresses.serverUrl,
      // There is no second operator to share with; after a crash the next one need not wait long.
      MNEMOS_LEASE_MS: '6000',
      MNEMOS_LEASE_RENEW_MS: '4000',
      MNEMOS_LEASE_RETRY_MS: '500',
      MNEMOS_LEASE_FENCE_MS: '2000',
    }),
    plan('webhook', 'magenta', addresses.webhookHealth, 5000, {
      MNEMOS_WEBHOOK_PORT: String(addresses.webhook),
      MNEMOS_WEBHOOK_HEALTH_PORT: String(addresses.webhookHealth),
      MNEMOS_WEBHOOK_DRAIN_MS: '0',
    }),
    plan('server', 'blue', addresses.server, 5000, {
      MNEMOS_SERVER_HOST: '127.0.0.1',
      MNEMOS_SERVER_PORT: String(addresses.server),
      MNEMOS_SERVER_URL: addresses.serverUrl,
      MNEMOS_ARTIFACTS_FOLDER: state.artifacts,
    }),
    plan('worker', 'green', addresses.workerHealth, 15_000, {
      MNEMOS_WORKER_OPERATOR: `127.0.0.1:${addresses.dispatch}`,
      MNEMOS_WORKER_POOL: `${devPool.namespace}/${devPool.name}`,
      MNEMOS_WORKER_NAME: 'local-1',
      MNEMOS_WORKER_JOIN_TOKEN_FILE: state.joinToken,
      MNEMOS_WORKER_CACHE_DIR: state.worker,
      MNEMOS_WORKER_FILE_ROOT: fileRoot,
      MNEMOS_WORKER_HEALTH_PORT: String(addresses.workerHealth),
      // Ctrl-C hands a long answer back instead of waiting for its end.
      MNEMOS_WORKER_GRACE_MS: '2000',
    }),
  ]
}

type Environment = Readonly<Record<string, string>>

function childPlan({ config, kubeconfig, context }: ProcessOptions) {
  const access = [...(kubeconfig === '' ? [] : ['--kubeconfig', kubeconfig]), ...(context === undefined ? [] : ['--context', context])]
  return (name: string, colour: ChildPlan['colour'], healthPort: number, graceMs: number, environment: Environment): ChildPlan => ({
    name,
    colour,
    graceMs,
    readyUrl: `http://127.0.0.1:${healthPort}/readyz`,
    // A worker holds no Kubernetes credentials.
    args: [main, name, ...(name === 'worker' ? [] : access)],
    environment: { ...config.environment, ...environment },
  })
}
