/**
 * `make demo`: a real language model answers a Job on a real Kubernetes API server, on this machine, before your eyes.
 *
 * Flow: programs and model into the cache (once) → `mnemos dev` → kubectl applies examples/quickstart → tokens → the
 * checksum is compared → a mistyped Job is refused → everything is stopped. KEEP=1 leaves it up until Ctrl-C.
 * Exits 0 only when each step came out as it says.
 */
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { clusterPrograms } from '@mnemos/cluster'
import { streamAnswer } from './demo/answer.ts'
import { type DevProcess, startDev } from './demo/dev-process.ts'
import { kubectl, kubectlShown } from './demo/kubectl.ts'
import { verifyResult } from './demo/verify-result.ts'
import { ensureSmallModel } from './models.ts'

const quickstart = 'examples/quickstart'
const root = join(import.meta.dirname, '..')

export interface DemoOptions {
  /** Gets lines for people. */
  readonly say: (line: string) => void
  /** Gets the answer as it appears. */
  readonly write: (text: string) => void
  /** Stay up after the tour until the signal. */
  readonly keep: boolean
  readonly signal: AbortSignal
}

export interface DemoOutcome {
  /** From the start of `mnemos dev` to the first token, programs and model already there. */
  readonly firstTokenSeconds: number
  readonly tokens: number
}

/** @throws when any step does not come out as promised; nothing is left running then either */
export async function runDemo(options: DemoOptions): Promise<DemoOutcome> {
  const { say, signal } = options
  say('1. The control plane and a small model (built and fetched once, then kept in the cache)')
  await clusterPrograms((line) => say(`   ${line}`))
  const model = await ensureSmallModel((line) => say(`   ${line}`))
  say(`   ${model.path}`)
  const state = resolve(root, '.mnemos/demo')
  const began = performance.now()
  say('\n2. mnemos dev: etcd, kube-apiserver, operator, webhook, server and one worker on loopback')
  const dev = await startDev({ root, state, fileRoot: join(model.path, '..'), signal })
  let outcome: DemoOutcome
  try {
    outcome = await tour(dev, options, began)
    if (options.keep) await stayUp(dev, options)
  } catch (error) {
    await dev.stop()
    throw error
  }
  const left = await dev.stop()
  if (left.length > 0) throw new Error(`still running after the end: ${left.join(', ')}`)
  say(`Checked by pid: of the ${Object.keys(dev.record.pids).length} processes none is left.`)
  return outcome
}

async function tour(dev: DevProcess, { say, write, signal }: DemoOptions, began: number): Promise<DemoOutcome> {
  say('\n3. A Model and a Job, applied with kubectl')
  await kubectlShown(dev, say, ['apply', '-f', `${quickstart}/model.yaml`, '-f', `${quickstart}/job.yaml`])
  say('\n4. The answer, as it appears')
  const answer = await streamAnswer({ dev, name: 'hello', model: 'smollm2', say, write, signal })
  const firstTokenSeconds = (answer.firstTokenAt - began) / 1000
  say(`   first token ${firstTokenSeconds.toFixed(1)} s after mnemos dev was started`)
  say('\n5. The result is stored, and its checksum is in the Job’s status')
  for (const line of await verifyResult(dev, 'hello')) say(`   ${line}`)
  say('\n6. What there is')
  await untilIdle(dev)
  await kubectlShown(dev, say, ['get', 'mnemos', '-A'])
  say('\n7. A mistyped Job is refused, with every mistake at once')
  const refused = await kubectl(dev, ['apply', '-f', `${quickstart}/mistyped-job.yaml`])
  say(`   $ kubectl apply -f ${quickstart}/mistyped-job.yaml`)
  for (const line of refused.stderr.trimEnd().split('\n')) say(`   ${line}`)
  if (refused.code === 0) throw new Error('the mistyped Job was admitted')
  say('\nWhere to go next')
  say('   make demo KEEP=1         the same, and it stays up for your own kubectl')
  say('   docs/quickstart.md       the same steps by hand')
  say('   ARCHITECTURE.md          the life of a Job, with links into the code\n')
  return { firstTokenSeconds, tokens: answer.pieces }
}

/** The status of Workers and pools follows within five seconds; the picture is nicer when it is true already. */
async function untilIdle(dev: DevProcess): Promise<void> {
  for (let tries = 0; tries < 20; tries += 1) {
    const shown = await kubectl(dev, ['get', 'mnworker,mnpool', '-A', '-o', 'jsonpath={.items[*].status.running}{.items[*].status.idle}'])
    if (shown.stdout === '01') return
    await sleep(300)
  }
}

async function stayUp(dev: DevProcess, { say, signal }: DemoOptions): Promise<void> {
  say('It stays up until Ctrl-C. In another terminal:\n')
  say(`   export KUBECONFIG=${dev.record.kubeconfig}`)
  say(`   kubectl get mnemos -A      (no kubectl yet? ${dev.record.kubectl})`)
  say('   npx mnemos chat smollm2 "What is Kubernetes?"\n')
  await dev.ended(signal)
}

if (import.meta.main) {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  try {
    await runDemo({
      say: (line) => process.stdout.write(`${line}\n`),
      write: (text) => process.stdout.write(text),
      keep: (process.env['KEEP'] ?? '') !== '',
      signal: stop.signal,
    })
    process.exit(0)
  } catch (error) {
    if (stop.signal.aborted) process.exit(2)
    process.stderr.write(
      `\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\nSee docs/troubleshooting.md; the logs are in .mnemos/demo/logs.\n`,
    )
    process.exit(1)
  }
}
