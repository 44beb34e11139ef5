/**
 * Webhook processes beside a control plane, started and ended as pods are: the bundle of the image with the image's flags, told
 * everything by its environment. From the sources it starts slower and takes more memory, which no installation does.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Cluster } from '@mnemos/cluster'
import { z } from 'zod'
import { sixteenPolicies } from './sixteen-policies.ts'

const root = join(import.meta.dirname, '../../..')
const portsSchema = z.object({ port: z.number(), healthPort: z.number() })
/** What the process logs; pino's levels from 40 on are warnings. */
const lineSchema = z.looseObject({ level: z.number(), msg: z.string() })
type Ports = z.output<typeof portsSchema>

export interface Replica extends Ports {
  /** Resolves when it is ready to be called. */
  ready(): Promise<void>
  /** Reviews of Jobs answered so far: a load that never met the webhook must not pass for one that did. */
  reviews(): Promise<number>
  /** Memory of its own, without pages of files that the system can drop at any time: MB. */
  anonymousMb(): Promise<number>
  /** As the kubelet does: SIGTERM, and SIGKILL half a minute later; resolves when the process is gone. */
  end(): Promise<void>
}

/** As the chart starts it: a young generation of 4 MB is collected in well under a millisecond and keeps memory small. */
export const nodeFlags = ['--max-semi-space-size=4']
const chartEnv = { MALLOC_ARENA_MAX: '1' }

/** Starts one, which listens when this resolves. @param env its settings */
export async function startReplica({ kubeconfig }: Cluster, env: Readonly<Record<string, string>> = {}): Promise<Replica> {
  const program = [join(root, 'dist/bundle/mnemos.mjs'), '--kubeconfig', kubeconfig, 'webhook']
  const free = { MNEMOS_WEBHOOK_PORT: '0', MNEMOS_WEBHOOK_HEALTH_PORT: '0', MNEMOS_LOG_LEVEL: 'info' }
  const child = spawn(process.execPath, [...nodeFlags, ...program], {
    env: { ...process.env, ...chartEnv, ...free, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const cut = (): void => void child.kill('SIGKILL')
  process.once('exit', cut)
  child.once('exit', () => process.off('exit', cut))
  const ports = await listening(child)
  return {
    ...ports,
    ready: async () => {
      for (let tries = 0; !(await isReady(ports.healthPort)); tries += 1) {
        if (tries > 400) throw new Error('a webhook did not become ready in 20 s')
        await sleep(50)
      }
    },
    reviews: async () => {
      const text = await (await fetch(`http://127.0.0.1:${ports.healthPort}/metrics`)).text()
      const counts = [...text.matchAll(/^mnemos_admission_reviews_total\{kind="Job".*\} (\d+)$/gm)]
      return counts.reduce((sum, [, count]) => sum + Number(count), 0)
    },
    anonymousMb: async () => {
      const [, kilobytes = '0'] = /^RssAnon:\s+(\d+) kB$/m.exec(await readFile(`/proc/${child.pid ?? 0}/status`, 'utf8')) ?? []
      return (Number(kilobytes) * 1024) / 1e6
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

/** Reads its log to the end, so that it never waits for us: passes warnings on, and finds the ports. */
function listening(child: ChildProcess & { readonly stdout: NonNullable<ChildProcess['stdout']> }): Promise<Ports> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`a webhook ended with ${code} before it listened`)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { level, msg, ...fields } = lineSchema.parse(JSON.parse(line))
      if (level >= 40) process.stderr.write(`${line}\n`)
      if (msg === 'the webhook listens') resolve(portsSchema.parse(fields))
    })
  })
}

async function isReady(healthPort: number): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).ok
}

/** The bundle, the CRDs, the system namespace, a Model to name, and sixteen policies of every type. */
export async function installForLoad({ kubectl, kubeconfig }: Cluster): Promise<void> {
  await promisify(execFile)(process.execPath, [join(root, 'hack/build.ts')])
  const run = async (args: readonly string[], input = ''): Promise<void> => {
    const child = promisify(execFile)(kubectl, ['--kubeconfig', kubeconfig, ...args])
    child.child.stdin?.end(input)
    await child
  }
  const crds = join(root, 'crds')
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
