/** Creates Jobs with a bounded number of requests in flight, or at a steady rate. */
import type { Client } from '@mnemos/kube'
import { hollowJob, jobs } from './stack.ts'

/** Runs `work` for 0 … count − 1 with at most `inFlight` at once. */
export async function inParallel(count: number, inFlight: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) {
      const index = next
      next += 1
      await work(index)
    }
  }
  await Promise.all(Array.from({ length: Math.min(inFlight, count) }, lane))
}

export const now = (): number => performance.timeOrigin + performance.now()

/** Creates a Job and notes the moment just before the request. @returns how long the request took, in ms */
export async function createTimed(client: Client, id: string, createdAt: Map<string, number>): Promise<number> {
  const asked = now()
  createdAt.set(id, asked)
  await client.create(jobs, hollowJob(id))
  return now() - asked
}

/** @param share 0.5 is the median; the list may be in any order */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

export const rounded = (value: number, digits = 2): number => Number(value.toFixed(digits))
