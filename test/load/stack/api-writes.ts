/** Writes as the API server itself counts them, so that none is forgotten. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@mnemos/kube'

/** Write requests so far: those for Jobs, and all others (Workers, Models, Leases, Events …). */
export interface Writes {
  readonly jobs: number
  readonly others: number
  readonly byResource: Readonly<Record<string, number>>
  /** As `POST mnemosjobs` and `PATCH mnemosjobs/status`. */
  readonly byRequest: Readonly<Record<string, number>>
}

const writing = new Set(['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE', 'DELETECOLLECTION'])
/** What the API server writes for itself, and reviews that store nothing. */
const notOurs = new Set([
  'apiservices',
  'flowschemas',
  'prioritylevelconfigurations',
  'tokenreviews',
  'subjectaccessreviews',
  'selfsubjectreviews',
])

export async function apiWrites(client: Client): Promise<Writes> {
  const text = await metricsOf(client)
  const byResource: Record<string, number> = {}
  const byRequest: Record<string, number> = {}
  for (const [, labels = '', value = '0'] of text.matchAll(/^apiserver_request_total\{([^}]*)\} ([\d.e+]+)$/gm)) {
    const label = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(labels)?.[1] ?? ''
    if (!writing.has(label('verb')) || notOurs.has(label('resource'))) continue
    const key = label('subresource') === '' ? label('resource') : `${label('resource')}/${label('subresource')}`
    byResource[key] = (byResource[key] ?? 0) + Number(value)
    const request = `${label('verb')} ${key}`
    byRequest[request] = (byRequest[request] ?? 0) + Number(value)
  }
  const total = Object.values(byResource).reduce((sum, count) => sum + count, 0)
  const jobs = Object.entries(byResource).reduce((sum, [key, count]) => sum + (key.startsWith('mnemosjobs') ? count : 0), 0)
  return { jobs, others: total - jobs, byResource, byRequest }
}

/** What was written between two counts. */
export function writesBetween(before: Writes, after: Writes): Writes {
  return {
    jobs: after.jobs - before.jobs,
    others: after.others - before.others,
    byResource: grown(before.byResource, after.byResource),
    byRequest: grown(before.byRequest, after.byRequest),
  }
}

function grown(before: Readonly<Record<string, number>>, after: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after)
      .map(([key, count]): [string, number] => [key, count - (before[key] ?? 0)])
      .filter(([, count]) => count > 0),
  )
}

/** Counts once the counters have stood still for two seconds, so that what trails behind is in; after 20 s as they are. */
export async function settledWrites(client: Client): Promise<Writes> {
  let counted = await apiWrites(client)
  for (let looks = 0; looks < 10; looks += 1) {
    await sleep(2000)
    const again = await apiWrites(client)
    const { leases: _leases, ...moved } = writesBetween(counted, again).byResource
    counted = again
    if (Object.keys(moved).length === 0) break
  }
  return counted
}

async function metricsOf(client: Client): Promise<string> {
  const { transport } = client
  const token = await transport.credentials.token?.()
  const answer = await transport.requests.request({ method: 'GET', path: '/metrics', headers: { authorization: `Bearer ${token ?? ''}` } })
  return answer.body.text()
}
