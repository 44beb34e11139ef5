/** Creations of Jobs at an API server, each with a new name, by plain HTTPS so that the generator costs little. */
import { Agent, request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { apiVersion } from '@mnemos/api'
import type { Cluster } from '@mnemos/cluster'

export interface Creator {
  /** Creates one Job; false when it was not stored. */
  create(): Promise<boolean>
  /** Deletes all Jobs, so that the next slice meets the same store. */
  clear(): Promise<void>
  /** What went wrong, each sort once, with its number. */
  readonly failures: ReadonlyMap<string, number>
  close(): void
}

/** @param connections most at once */
export function createsAt({ server, ca, token }: Cluster, connections: number): Creator {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, ca })
  const failures = new Map<string, number>()
  const path = '/apis/mnemos.dev/v1alpha1/namespaces/default/mnemosjobs'
  let made = 0
  const send = (method: string, body: string): Promise<boolean> =>
    new Promise((resolve) => {
      const failed = (why: string): void => {
        failures.set(why, (failures.get(why) ?? 0) + 1)
        resolve(false)
      }
      const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }
      const outgoing = request(`${server}${path}`, { method, agent, headers }, (response) => {
        let answer = ''
        const { statusCode = 0 } = response
        response.on('data', (chunk: Buffer) => {
          if (statusCode >= 300 && answer.length < 1000) answer += chunk.toString()
        })
        response.on('end', () => (statusCode < 300 ? resolve(true) : failed(`${statusCode} ${messageOf(answer)}`)))
      })
      outgoing.on('error', (error) => failed(error.message))
      outgoing.end(body)
    })
  return {
    create: () => {
      made += 1
      return send('POST', JSON.stringify(aJob(`load-${made}`)))
    },
    clear: async () => {
      await send('DELETE', '{}')
    },
    failures,
    close: () => agent.destroy(),
  }
}

/** Without the name of the Job, so that equal failures count together. */
function messageOf(answer: string): string {
  return answer
    .replaceAll(/load-\d+/g, 'load-N')
    .replaceAll(/\s+/g, ' ')
    .slice(0, 600)
}

function aJob(name: string): object {
  const prompt = 'Summarise the report in three sentences.'
  const inference = { modelRef: { name: 'smollm' }, prompt, parameters: { maxTokens: 128 } }
  // What the sixteen policies ask for.
  const spec = { inference, dependsOn: [], deadlines: { runSeconds: 600 } }
  return { apiVersion, kind: 'Job', metadata: { name, labels: { team: 'research' } }, spec }
}

export interface Measured {
  /** From the time when each was due to its answer, in ms: a slow answer holds back nothing and counts in full. */
  readonly latencies: number[]
  readonly failures: number
}

/** Calls at a fixed rate, whatever the answers. */
export async function openLoop(call: () => Promise<boolean>, { rate, seconds }: { rate: number; seconds: number }): Promise<Measured> {
  const latencies: number[] = []
  const pending: Promise<void>[] = []
  let failures = 0
  const started = performance.now()
  const ask = async (due: number): Promise<void> => {
    if (!(await call())) failures += 1
    latencies.push(performance.now() - due)
  }
  for (let index = 0; index < rate * seconds; ) {
    const due = started + (index * 1000) / rate
    const early = due - performance.now()
    if (early > 0) {
      await sleep(early)
      continue
    }
    pending.push(ask(due))
    index += 1
  }
  await Promise.all(pending)
  return { latencies, failures }
}

/** As many clients as given, each with its next call as soon as the last one is answered. */
export async function closedLoop(call: () => Promise<boolean>, { clients, calls }: { clients: number; calls: number }): Promise<Measured> {
  const latencies: number[] = []
  let [failures, begun] = [0, 0]
  const client = async (): Promise<void> => {
    while (begun < calls) {
      begun += 1
      const sent = performance.now()
      if (!(await call())) failures += 1
      latencies.push(performance.now() - sent)
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  return { latencies, failures }
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return rounded(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0)
}

export function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
