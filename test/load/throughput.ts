/**
 * 5,000 short Jobs on hollow workers: how many a second, at how many API writes each, and how much of what the bare API
 * server carries that is.
 *
 * Writes are counted by the API server itself. The bare server is measured in the same run with the same objects: create,
 * and the two status patches that a Job gets, with 8, 16, 32 and 64 requests in flight; the best counts.
 */
import { type Job, jobResource } from '@mnemos/api'
import { type Client, createInformer, resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'
import { apiWrites, writesBetween } from './stack/api-writes.ts'
import { inParallel, rounded } from './stack/generator.ts'
import { benchNamespace, hollowJob, startStack } from './stack/stack.ts'

const count = 5000
const bareCount = 2000
const inFlight = 32
const jobs = resource<Job>(jobResource)

export async function run(log: (line: string) => void): Promise<Record<string, unknown> & { conditions: Record<string, unknown> }> {
  const stack = await startStack({ workers: 2, slots: 16, log })
  const stop = new AbortController()
  try {
    const { client } = stack
    const ended = { Succeeded: 0, other: 0 }
    const informer = createInformer({
      client,
      resource: jobs,
      namespace: benchNamespace,
      // Only the ends are heard of, so that the measurement asks little of what it measures.
      fieldSelector: 'status.phase!=Pending,status.phase!=Scheduled,status.phase!=Running,status.phase!=Retrying',
      transform: ({ apiVersion, kind, metadata, status }) => ({ apiVersion, kind, metadata, status }) as Job,
    })
    informer.onChange(({ type, object: { metadata, status } }) => {
      if (type === 'added' && metadata.name.startsWith('job-')) ended[status?.phase === 'Succeeded' ? 'Succeeded' : 'other'] += 1
    })
    void informer.run(stop.signal)
    await informer.synced()
    const before = await apiWrites(client)
    const cpuBefore = await stack.cpuMs()
    log(`${count} Jobs, ${inFlight} creates in flight …`)
    const startedAt = performance.now()
    await inParallel(count, inFlight, async (index) => {
      await client.create(jobs, hollowJob(`job-${index}`))
    })
    const createdSeconds = (performance.now() - startedAt) / 1000
    await eventually(() => ended.Succeeded + ended.other >= count, { timeoutMs: 300_000, intervalMs: 20, message: 'every Job has ended' })
    const seconds = (performance.now() - startedAt) / 1000
    const writes = writesBetween(before, await apiWrites(client))
    const cpuAfter = await stack.cpuMs()
    const memory = await stack.operatorMiB()
    await stack.stopProcesses()
    const bare = await bareServer(client, log)
    const total = writes.jobs + writes.others
    return {
      jobs_per_s: rounded(count / seconds, 1),
      writes_per_job: rounded(total / count, 3),
      share: rounded(total / seconds / bare.best, 3),
      writes_per_s: rounded(total / seconds, 1),
      bare_writes_per_s: bare.byInFlight,
      generator_creates: count,
      other_writes: writes.byResource,
      succeeded: ended.Succeeded,
      operator_rss_mb: memory,
      cpu_ms_per_job: Object.fromEntries(
        Object.entries(cpuAfter).map(([name, ms]) => [name, rounded((ms - (cpuBefore[name] ?? 0)) / count)]),
      ),
      seconds: rounded(seconds),
      create_seconds: rounded(createdSeconds),
      conditions: { jobs: count, in_flight: inFlight, workers: 2, slots: 16, bare_jobs: bareCount, webhook: false },
    }
  } finally {
    stop.abort()
    await stack.stop()
  }
}

/** Writes a second that the API server carries when nothing else asks: the same objects, the same three writes. */
async function bareServer(client: Client, log: (line: string) => void): Promise<{ best: number; byInFlight: Record<string, number> }> {
  const byInFlight: Record<string, number> = {}
  for (const lanes of [8, 16, 32, 64]) {
    log(`bare API server, ${lanes} in flight …`)
    const startedAt = performance.now()
    await inParallel(bareCount, lanes, async (index) => {
      const created = await client.create<Job>(jobs, hollowJob(`bare-${lanes}-${index}`))
      const worker = { name: 'bench/hollow-0', instance: 'b7f6f0f4-3d1c-4a53-9a5e-000000000000' }
      const scheduled = await client.patchStatus(jobs, created, { ...created.status, phase: 'Scheduled', attempt: 1, worker })
      await client.patchStatus(jobs, scheduled, {
        ...scheduled.status,
        phase: 'Succeeded',
        usage: { promptTokens: 1, completionTokens: 8, durationMs: 1 },
      })
    })
    byInFlight[String(lanes)] = rounded((bareCount * 3) / ((performance.now() - startedAt) / 1000), 1)
  }
  return { best: Math.max(...Object.values(byInFlight)), byInFlight }
}
