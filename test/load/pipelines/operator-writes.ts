/**
 * Which of the API server's writes the operator made: all, but for what others are known to write.
 *
 * The API server counts by kind of request and not by who asks; events alone have more than one author, and name theirs.
 */
import { type Client, type KubeObject, resource } from '@mnemos/kube'
import { settledWrites, type Writes, writesBetween } from '../stack/api-writes.ts'
import { benchNamespace } from '../stack/stack.ts'

interface AuthoredEvent extends KubeObject {
  readonly reportingController?: string
}
const events = resource<AuthoredEvent>({ group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event', namespaced: true })
/** The benchmark itself; the scheduler; the simulator and the controllers of Kubernetes, about pods and nodes; everybody's leases. */
const othersWrite = /^(POST mnemospipelineruns|POST mnemospipelines|POST pods\/binding|\S+ pods\/status|\S+ nodes.*|\S+ leases)$/

export interface Counted {
  readonly writes: Writes
  readonly ourEvents: number
}

/** Counts once all is still. */
export async function countWrites(client: Client): Promise<Counted> {
  const writes = await settledWrites(client)
  const { items } = await client.list(events, { namespace: benchNamespace })
  return { writes, ourEvents: items.filter((each) => each.reportingController?.startsWith('mnemos.dev/')).length }
}

/** The operator's writes between two counts, by request, and together, for each of `count` runs. */
export function operatorWrites(
  before: Counted,
  after: Counted,
  count: number,
): { readonly perRun: number; readonly byRequest: Readonly<Record<string, number>> } {
  const { byRequest } = writesBetween(before.writes, after.writes)
  const ours = Object.entries(byRequest).filter(([request]) => !othersWrite.test(request) && !request.endsWith(' events'))
  const newEvents = after.ourEvents - before.ourEvents
  const all = [...ours, ...(newEvents === 0 ? [] : [['POST events', newEvents] as const])]
  return {
    perRun: all.reduce((sum, [, times]) => sum + times, 0) / count,
    byRequest: Object.fromEntries(all.map(([request, times]) => [request, Number((times / count).toFixed(3))])),
  }
}
