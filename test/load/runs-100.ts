/**
 * A hundred runs of a pipeline of one step, created at once over eight connections: how many a second until all have succeeded, and how
 * many writes the operator asks the API server for, with a container on a simulated node and with a prompt on a warm worker.
 *
 * The clock starts before the first request and stops when a watch has seen the last run Succeeded. The writes are counted by the API
 * server; the client's own creation of the run, the scheduler's and the simulator's writes and leases are left out, events are not.
 */
import { load, median } from './pipelines/figures.ts'
import { countWrites, operatorWrites } from './pipelines/operator-writes.ts'
import { argo } from './pipelines/peer.ts'
import { chainOf, createPipeline, createRun, type Work } from './pipelines/pipelines.ts'
import { type RunWatch, watchRuns } from './pipelines/run-watch.ts'
import { settledWrites } from './stack/api-writes.ts'
import { inParallel, quantile, rounded } from './stack/generator.ts'
import { type Stack, startStack } from './stack/stack.ts'

const count = 100
const rounds = 3
const connections = 8
const nodes = 5
const workers = { workers: 2, slots: 32 }

export async function run(log: (line: string) => void): Promise<Record<string, unknown> & { conditions: Record<string, unknown> }> {
  const stack = await startStack({ ...workers, simulatedNodes: nodes, log })
  try {
    const watch = await watchRuns(stack.client)
    const pods = await measured(stack, watch, 'container', log)
    const warm = await measured(stack, watch, 'inference', log)
    watch.stop()
    return {
      runs_per_s: pods.runsPerSecond,
      warm_runs_per_s: warm.runsPerSecond,
      writes_per_run: pods.writesPerRun,
      warm_writes_per_run: warm.writesPerRun,
      pods: pods.details,
      warm: warm.details,
      operator_rss_mb: await stack.operatorPeakMiB(),
      peer: { 'argo-workflows': argo.runs100 },
      conditions: { runs: count, rounds, connections, simulated_nodes: nodes, ...workers, webhook: false },
    }
  } finally {
    await stack.stop()
  }
}

interface Measured {
  readonly runsPerSecond: number
  readonly writesPerRun: number
  readonly details: Readonly<Record<string, unknown>>
}

async function measured(stack: Stack, watch: RunWatch, work: Work, log: (line: string) => void): Promise<Measured> {
  const { client } = stack
  await createPipeline(client, work, { steps: chainOf(1, work) })
  await burst(stack, watch, { work, round: 'warm-up', of: 20 })
  const before = await countWrites(client)
  const cpuBefore = await stack.cpuMs()
  const bursts: Burst[] = []
  const loads: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    // The scheduler's client may ask a hundred times at once and fifty times a second: its purse is to be full again.
    if (round > 0) await settledWrites(client)
    loads.push(load())
    bursts.push(await burst(stack, watch, { work, round: String(round), of: count }))
    log(`${work}, round ${round}: ${rounded(count / (bursts.at(-1)?.seconds ?? Number.NaN), 1)} runs/s`)
  }
  const cpu = await stack.cpuMs()
  const writes = operatorWrites(before, await countWrites(client), count * rounds)
  return {
    runsPerSecond: rounded(count / median(bursts.map(({ seconds }) => seconds)), 1),
    writesPerRun: rounded(writes.perRun, 3),
    details: {
      seconds: bursts.map(({ seconds }) => rounded(seconds, 3)),
      creating_s: bursts.map(({ creating }) => rounded(creating, 3)),
      run_p50_s: bursts.map(({ latencies }) => rounded(quantile(latencies, 0.5), 3)),
      writes: writes.byRequest,
      cpu_ms_per_run: Object.fromEntries(
        Object.entries(cpu).map(([name, ms]) => [name, rounded((ms - (cpuBefore[name] ?? 0)) / (count * rounds))]),
      ),
      load_1min: loads,
    },
  }
}

interface Burst {
  readonly seconds: number
  /** Until the last request was answered. */
  readonly creating: number
  /** Creation to Succeeded of each run, in seconds. */
  readonly latencies: readonly number[]
}

async function burst(
  { client }: Stack,
  watch: RunWatch,
  { work, round, of }: { readonly work: Work; readonly round: string; readonly of: number },
): Promise<Burst> {
  const startedAt = performance.now()
  const seconds = (at: number): number => (at - startedAt) / 1000
  const asked = new Map<string, number>()
  const ends: Promise<number>[] = []
  await inParallel(of, connections, async (index) => {
    const name = `${work}-${round}-${index}`
    asked.set(name, performance.now())
    ends.push(watch.succeeded(name).then((at) => at - (asked.get(name) ?? Number.NaN)))
    await createRun(client, name, work)
  })
  const creating = seconds(performance.now())
  const latencies = (await Promise.all(ends)).map((ms) => ms / 1000)
  return { seconds: seconds(performance.now()), creating, latencies }
}
