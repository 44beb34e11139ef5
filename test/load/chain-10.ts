/**
 * A pipeline of ten containers, one after the other, on simulated nodes: how long a run takes, and how long it is from the end of a step
 * until the Job of the next is there.
 *
 * A run's clock starts before the request that creates it and stops when a watch sees it Succeeded; a gap is from the watch's sight of
 * a Job as Succeeded to its sight of the next one. The operator has its defaults; the scheduler is the real one.
 */
import { gapsOf, load, median, phasesOf } from './pipelines/figures.ts'
import { argo } from './pipelines/peer.ts'
import { chainOf, createPipeline, createRun } from './pipelines/pipelines.ts'
import { watchRuns } from './pipelines/run-watch.ts'
import { quantile, rounded } from './stack/generator.ts'
import { startStack } from './stack/stack.ts'

const runCount = 5
const steps = 10
const nodes = 5

export async function run(log: (line: string) => void): Promise<Record<string, unknown> & { conditions: Record<string, unknown> }> {
  const stack = await startStack({ workers: 0, slots: 0, simulatedNodes: nodes, log })
  try {
    const { client } = stack
    const watch = await watchRuns(client, { pods: true })
    await createPipeline(client, 'chain', { steps: chainOf(steps, 'container') })
    const once = async (name: string): Promise<number> => {
      const startedAt = performance.now()
      await createRun(client, name, 'chain')
      return ((await watch.succeeded(name)) - startedAt) / 1000
    }
    await once('warm-up')
    const totals: number[] = []
    const loads: number[] = []
    for (let index = 0; index < runCount; index += 1) {
      loads.push(load())
      totals.push(await once(`run-${index}`))
      log(`run ${index}: ${rounded(totals.at(-1) ?? 0)} s`)
    }
    const chains = totals.map((_, index) => watch.jobsOf(`run-${index}`))
    const gaps = chains.flatMap(gapsOf)
    const figures = {
      total_s: median(totals),
      gap_p50_ms: rounded(quantile(gaps, 0.5)),
      gap_p99_ms: rounded(quantile(gaps, 0.99)),
      totals_s: totals.map((total) => rounded(total, 3)),
      gaps: gaps.length,
      step_ms: phasesOf(watch, chains.flat()),
      operator_rss_mb: await stack.operatorPeakMiB(),
      largest_bytes: watch.largest(),
      load_1min: loads,
      peer: { 'argo-workflows': argo.chain10 },
      conditions: { steps, runs: runCount, simulated_nodes: nodes, webhook: false },
    }
    watch.stop()
    return figures
  } finally {
    await stack.stop()
  }
}
