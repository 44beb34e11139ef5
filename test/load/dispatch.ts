/**
 * How long from the request that creates a Job until its worker's engine has it: one at a time on an idle system, and at 100
 * Jobs a second.
 *
 * The clock starts before the create leaves the generator and stops when the engine is called, so the create itself, its way
 * through etcd, placement, the status write, the live read and the stream are all in it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@mnemos/testkit'
import { createTimed, quantile, rounded } from './stack/generator.ts'
import { startStack } from './stack/stack.ts'

const idleJobs = 200
const loadedSeconds = 20
const loadedRate = 100

export async function run(log: (line: string) => void): Promise<Record<string, unknown> & { conditions: Record<string, unknown> }> {
  const stack = await startStack({ workers: 2, slots: 32, log })
  try {
    const createdAt = new Map<string, number>()
    const waits = new Map<string, number>()
    stack.onReceived(({ prompt, at }) => waits.set(prompt, at - (createdAt.get(prompt) ?? at)))
    const one = async (id: string): Promise<void> => {
      await createTimed(stack.client, id, createdAt)
      await eventually(() => waits.has(id), { intervalMs: 1, timeoutMs: 30_000, message: `${id} reached a worker` })
    }
    for (let index = 0; index < 20; index += 1) await one(`warm-${index}`)
    log(`${idleJobs} Jobs, one after the other …`)
    for (let index = 0; index < idleJobs; index += 1) {
      await one(`idle-${index}`)
      await sleep(20)
    }
    log(`${loadedRate} Jobs a second for ${loadedSeconds} s …`)
    const creating: Promise<number>[] = []
    const startedAt = performance.now()
    for (let index = 0; index < loadedRate * loadedSeconds; index += 1) {
      const wait = startedAt + (index * 1000) / loadedRate - performance.now()
      if (wait > 0) await sleep(wait)
      creating.push(createTimed(stack.client, `loaded-${index}`, createdAt))
    }
    const creates = await Promise.all(creating)
    await eventually(() => waits.size >= 20 + idleJobs + loadedRate * loadedSeconds, {
      timeoutMs: 60_000,
      message: 'every Job reached a worker',
    })
    const of = (prefix: string): number[] => [...waits].filter(([id]) => id.startsWith(prefix)).map(([, wait]) => wait)
    return {
      p50_ms: rounded(quantile(of('idle'), 0.5)),
      p99_ms: rounded(quantile(of('idle'), 0.99)),
      loaded_p50_ms: rounded(quantile(of('loaded'), 0.5)),
      loaded_p99_ms: rounded(quantile(of('loaded'), 0.99)),
      loaded_create_p50_ms: rounded(quantile(creates, 0.5)),
      loaded_create_p99_ms: rounded(quantile(creates, 0.99)),
      conditions: { idle_jobs: idleJobs, loaded_rate: loadedRate, loaded_seconds: loadedSeconds, workers: 2, slots: 32, webhook: false },
    }
  } finally {
    await stack.stop()
  }
}
