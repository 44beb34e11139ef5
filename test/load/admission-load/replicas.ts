/** Webhook processes beside a control plane, started and ended as pods are. */
import { type ChildProcess, execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Cluster } from '@mnemos/cluster'
import { z } from 'zod'
import { sixteenPolicies } from './sixteen-policies.ts'

const portsSchema = z.object({ port: z.number(), healthPort: z.number() })

export interface Replica extends z.output<typeof portsSchema> {
  readonly child: ChildProcess
  /** Resolves when it is ready to be called. */
  ready(): Promise<void>
  /** As the kubelet does: SIGTERM, and SIGKILL half a minute later; resolves when the process is gone. */
  end(): Promise<void>
}

/** As the webhook's image starts it: a young generation of 4 MB is collected in well under a millisecond and keeps memory small. */
export const nodeFlags = ['--max-semi-space-size=4']

/** Starts one, which listens when this resolves. @param env its settings */
export async function startReplica({ server, ca, token }: Cluster, env: Readonly<Record<string, string>> = {}): Promise<Replica> {
  const child = fork(join(import.meta.dirname, 'webhook.child.ts'), { execArgv: nodeFlags })
  child.send({ server, ca, token, env })
  const [message] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as unknown[] // events are untyped
  const ports = portsSchema.parse(message)
  return {
    ...ports,
    child,
    ready: async () => {
      for (let tries = 0; !(await isReady(ports.healthPort)); tries += 1) {
        if (tries > 400) throw new Error('a webhook did not become ready in 20 s')
        await sleep(50)
      }
    },
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      const isGone = await Promise.race([gone.then(() => true), sleep(30_000, false, { ref: false })])
      if (!isGone) child.kill('SIGKILL')
    },
  }
}

async function isReady(healthPort: number): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).ok
}

/** The CRDs, the system namespace, a Model to name, and sixteen policies of every type. */
export async function installForLoad({ kubectl, kubeconfig }: Cluster): Promise<void> {
  const run = async (args: readonly string[], input = ''): Promise<void> => {
    const child = promisify(execFile)(kubectl, ['--kubeconfig', kubeconfig, ...args])
    child.child.stdin?.end(input)
    await child
  }
  const crds = join(import.meta.dirname, '../../../crds')
  await run(['apply', '--server-side', '-f', crds])
  await run(['wait', '--for=condition=Established', '--timeout=30s', '-f', crds])
  await run(['create', 'namespace', 'mnemos-system'])
  const model = {
    apiVersion: 'mnemos.dev/v1alpha1',
    kind: 'Model',
    metadata: { name: 'smollm', namespace: 'default' },
    spec: { source: { uri: 'file:///smollm.gguf', digest: `sha256:${'0'.repeat(64)}` }, license: 'MIT' },
  }
  const items = [model, ...sixteenPolicies]
  await run(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
}
