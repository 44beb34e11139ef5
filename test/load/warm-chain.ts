/**
 * A pipeline of ten prompts, one after the other, on a warm worker: what a step costs beyond the time of the engine.
 *
 * The time of a step is from a watch's sight of the step before it as Succeeded (of the first: from before the request that creates the
 * run) to its sight of this one; what the worker says that the engine took is subtracted. The engine answers at once.
 */
import { gapsOf, load, median } from './pipelines/figures.ts'
import { chainOf, createPipeline, createRun } from './pipelines/pipelines.ts'
import { type SeenJob, watchRuns } from './pipelines/run-watch.ts'
import { quantile, rounded } from './stack/generator.ts'
import { startStack } from './stack/stack.ts'

const runCount = 20
const warmUps = 3
const steps = 10

export async function run(log: (line: string) => void): Promise<Record<string, unknown> & { conditions: Record<string, unknown> }> {
  const stack = await startStack({ workers: 1, slots: 4, log })
  try {
    const { client } = stack
    const watch = await watchRuns(client)
    await createPipeline(client, 'chain', { steps: chainOf(steps, 'inference') })
    const totals: number[] = []
    const overheads: number[] = []
    const gaps: number[] = []
    const loads: number[] = []
    for (let index = -warmUps; index < runCount; index += 1) {
      const name = index < 0 ? `warm-up${index}` : `run-${index}`
      loads.push(load())
      const startedAt = performance.now()
      await createRun(client, name, 'chain')
      const endedAt = await watch.succeeded(name)
      if (index < 0) continue
      totals.push((endedAt - startedAt) / 1000)
      overheads.push(...overheadsOf(watch.jobsOf(name), startedAt))
      gaps.push(...gapsOf(watch.jobsOf(name)))
    }
    watch.stop()
    log(`${runCount} runs: ${median(totals)} s each`)
    return {
      overhead_ms: rounded(quantile(overheads, 0.5)),
      overhead_p99_ms: rounded(quantile(overheads, 0.99)),
      total_s: median(totals),
      gap_p50_ms: rounded(quantile(gaps, 0.5)),
      gap_p99_ms: rounded(quantile(gaps, 0.99)),
      totals_s: totals.map((total) => rounded(total, 3)),
      operator_rss_mb: await stack.operatorPeakMiB(),
      load_1min: [Math.min(...loads), Math.max(...loads)],
      conditions: { steps, runs: runCount, workers: 1, slots: 4, webhook: false },
    }
  } finally {
    await stack.stop()
  }
}

/** Milliseconds of each step beyond its engine's. */
function overheadsOf(chain: readonly SeenJob[], startedAt: number): number[] {
  const ends = chain.map(({ phases }) => phases.get('Succeeded') ?? Number.NaN)
  return chain.map(({ engineMs }, index) => (ends[index] ?? Number.NaN) - (ends[index - 1] ?? startedAt) - engineMs)
}
