/** Figures that several benchmarks of pipelines give: gaps and phases of steps, the load of the machine, medians. */
import { loadavg } from 'node:os'
import { quantile, rounded } from '../stack/generator.ts'
import type { RunWatch, SeenJob } from './run-watch.ts'

export const median = (values: readonly number[]): number => rounded(quantile(values, 0.5), 3)
/** Load of the machine over the last minute. */
export const load = (): number => rounded(loadavg()[0] ?? 0)

/** Milliseconds from each step's Job seen Succeeded to the next Job seen. */
export function gapsOf(chain: readonly SeenJob[]): number[] {
  return chain.slice(1).map(({ createdAt }, index) => createdAt - (chain[index]?.phases.get('Succeeded') ?? Number.NaN))
}

/** Where the time of a step goes, in ms (medians): between the moments at which its Job and its pod were seen. */
export function phasesOf(watch: RunWatch, seen: readonly SeenJob[]): Record<string, number> {
  const spans: Record<string, number[]> = {}
  const add = (name: string, from: number | undefined, to: number | undefined): void => {
    if (from === undefined || to === undefined) return
    const of = spans[name] ?? []
    of.push(to - from)
    spans[name] = of
  }
  for (const job of seen) {
    const pod = watch.podOf(job.name)
    const [scheduled, ended] = [job.phases.get('Scheduled'), job.phases.get('Succeeded')]
    add('job_to_scheduled', job.createdAt, scheduled)
    add('scheduled_to_pod', scheduled, pod?.createdAt)
    add('pod_to_pod_succeeded', pod?.createdAt, pod?.phases.get('Succeeded'))
    add('pod_succeeded_to_job_succeeded', pod?.phases.get('Succeeded'), ended)
    add('job', job.createdAt, ended)
  }
  return Object.fromEntries(Object.entries(spans).map(([name, values]) => [name, rounded(quantile(values, 0.5), 1)]))
}
