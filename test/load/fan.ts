/**
 * One step, then one for each item of a list, then one: a hundred wide on simulated pods; ten thousand wide on warm hollow workers.
 *
 * A run's clock starts before the request that creates it and stops when a watch sees it Succeeded. `cost_ratio` is the operator's
 * processor time for each Job of the run ten thousand wide, divided by the same of runs a hundred wide, both with prompts on the same
 * warm workers (the hundreds: of ten runs, after two that do not count). The largest object is that of any kind of which a run makes
 * or changes any, as its JSON was at any time. The operator is the program of the images, with the heap of a pod.
 *
 * With BENCH_FAN_PODS=10000 a run of so many pods follows, which takes the simulator and the API server many minutes.
 */
import { load, median } from './pipelines/figures.ts'
import { argo } from './pipelines/peer.ts'
import { createPipeline, createRun, fanOf, type Work } from './pipelines/pipelines.ts'
import { type RunWatch, watchRuns } from './pipelines/run-watch.ts'
import { settledWrites } from './stack/api-writes.ts'
import { rounded } from './stack/generator.ts'
import { type Stack, startStack } from './stack/stack.ts'

const narrow = 100
const wide = 10_000
const rounds = 3
const warmRounds = 10
const nodes = 5
const workers = { workers: 4, slots: 64 }
const patienceMs = 1_800_000

interface Fan {
  readonly seconds: number
  /** The operator's processor time for each Job, in ms. */
  readonly cpuMsPerStep: number
  readonly load: number
}

export async function run(log: (line: string) => void): Promise<Record<string, unknown> & { conditions: Record<string, unknown> }> {
  const stack = await startStack({ ...workers, simulatedNodes: nodes, shipped: true, log })
  try {
    const watch = await watchRuns(stack.client)
    for (const work of ['container', 'inference'] as const) await createPipeline(stack.client, work, fanOf(work))
    const fan = async (work: Work, name: string, width: number): Promise<Fan> => {
      const seen = await fanned(stack, watch, { work, name, width })
      log(`${name}, ${width} wide: ${rounded(seen.seconds)} s, ${rounded(seen.cpuMsPerStep)} ms of the operator for each step`)
      return seen
    }
    const several = async (work: Work, name: string, times: number): Promise<Fan[]> => {
      const fans: Fan[] = []
      for (let round = 0; round < times; round += 1) fans.push(await fan(work, `${name}-${round}`, narrow))
      return fans
    }
    await fan('container', 'pods-warm-up', narrow)
    const pods = await several('container', 'pods', rounds)
    await several('inference', 'warm-up', 2)
    const warm = await several('inference', 'warm', warmRounds)
    const idleMiB = await stack.operatorPeakMiB()
    const huge = await fan('inference', 'wide', wide)
    const largest = watch.largest()
    const podsWide = Number(process.env['BENCH_FAN_PODS'] ?? 0)
    const widePods = podsWide === 0 ? {} : { wide_pods: { width: podsWide, ...(await fan('container', 'wide-pods', podsWide)) } }
    watch.stop()
    const cpuAt100 = median(warm.map(({ cpuMsPerStep }) => cpuMsPerStep))
    return {
      fan100_s: median(pods.map(({ seconds }) => seconds)),
      fan10000_s: rounded(huge.seconds),
      rss_mb: await stack.operatorPeakMiB(),
      largest_kb: rounded(Math.max(...Object.values(largest)) / 1024, 1),
      cost_ratio: rounded(huge.cpuMsPerStep / cpuAt100),
      cpu_ms_per_step: {
        at_100: rounded(cpuAt100),
        at_10000: rounded(huge.cpuMsPerStep),
        at_100_pods: pods.map((each) => each.cpuMsPerStep),
      },
      wall_ms_per_step: {
        at_100: rounded((1000 * median(warm.map(({ seconds }) => seconds))) / (narrow + 2)),
        at_10000: rounded((1000 * huge.seconds) / (wide + 2)),
      },
      pods_s: pods.map(({ seconds }) => rounded(seconds, 3)),
      warm100_s: warm.map(({ seconds }) => rounded(seconds, 3)),
      rss_before_wide_mb: idleMiB,
      largest_bytes: largest,
      ...widePods,
      load_1min: { pods: pods.map((each) => each.load), warm: warm.map((each) => each.load), wide: huge.load },
      peer: { 'argo-workflows': argo.fan100 },
      conditions: { rounds, warm_rounds: warmRounds, simulated_nodes: nodes, ...workers, webhook: false },
    }
  } finally {
    await stack.stop()
  }
}

async function fanned(
  stack: Stack,
  watch: RunWatch,
  { work, name, width }: { readonly work: Work; readonly name: string; readonly width: number },
): Promise<Fan> {
  const operator = async (): Promise<number> => (await stack.cpuMs())['operator'] ?? 0
  // All is still, and the purse of the scheduler's client, a hundred requests and fifty more a second, is full.
  await settledWrites(stack.client)
  const loadBefore = load()
  const cpuBefore = await operator()
  const startedAt = performance.now()
  await createRun(stack.client, name, work, { items: Array.from({ length: width }, (_, index) => index) })
  const seconds = ((await watch.succeeded(name, patienceMs)) - startedAt) / 1000
  const jobs = watch.jobsOf(name).length
  if (jobs !== width + 2) throw new Error(`run ${name} made ${jobs} Jobs instead of ${width + 2}`)
  return { seconds, cpuMsPerStep: ((await operator()) - cpuBefore) / jobs, load: loadBefore }
}
