/**
 * Events (events.k8s.io/v1) for people: what was done to an object and why.
 *
 * Guarantees: never stands in the way (a failed event is logged and forgotten); the same note on the same object within ten
 * minutes is counted in a series instead of written again; one object causes at most 25 new events in that time.
 */
import { createHash } from 'node:crypto'
import type { Client } from './client.ts'
import { type Clock, systemClock } from './clock.ts'
import { microTime } from './lease.ts'
import { errorFields, type Logger, silentLogger } from './logger.ts'
import type { EventNote } from './plan.ts'
import { type KubeObject, resource } from './types.ts'

export const events = resource({ group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event', namespaced: true })

export interface EventRecorder {
  record(about: KubeObject, note: EventNote): Promise<void>
}

export interface EventRecorderOptions {
  readonly client: Client
  /** Who reports, e.g. example.dev/operator. */
  readonly controller: string
  /** Which process of it. */
  readonly instance: string
  readonly clock?: Clock
  readonly logger?: Logger
}

const windowMs = 600_000
const maxPerObject = 25
const maxRemembered = 4096

interface Remembered {
  readonly name: string
  readonly namespace: string
  count: number
  at: number
}

export function createEventRecorder({
  client,
  controller,
  instance,
  clock = systemClock,
  logger = silentLogger,
}: EventRecorderOptions): EventRecorder {
  const known = new Map<string, Remembered>()
  const perObject = new Map<string, { count: number; since: number }>()

  const mayAdd = (uid: string): boolean => {
    const now = clock.monotonic()
    const spent = perObject.get(uid)
    if (spent === undefined || now - spent.since > windowMs) {
      if (perObject.size >= maxRemembered) perObject.clear()
      perObject.set(uid, { count: 1, since: now })
      return true
    }
    spent.count += 1
    return spent.count <= maxPerObject
  }

  const again = async (seen: Remembered): Promise<void> => {
    seen.count += 1
    seen.at = clock.monotonic()
    await client.patch(events, seen, { series: { count: seen.count, lastObservedTime: microTime(clock.now()) } })
  }

  const first = async (id: string, about: KubeObject, note: EventNote): Promise<void> => {
    const { name, namespace = 'default', uid = '' } = about.metadata
    if (!mayAdd(uid)) return
    const suffix = createHash('sha256').update(`${id}${clock.now()}`).digest('hex').slice(0, 16)
    const event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: `${name.slice(0, 200)}.${suffix}`, namespace },
      eventTime: microTime(clock.now()),
      reportingController: controller,
      reportingInstance: instance.slice(0, 128),
      regarding: { apiVersion: about.apiVersion, kind: about.kind, name, namespace: about.metadata.namespace, uid },
      type: note.type,
      reason: note.reason,
      action: note.action,
      note: note.note.slice(0, 1024),
    }
    if (known.size >= maxRemembered) known.clear()
    known.set(id, { name: event.metadata.name, namespace, count: 1, at: clock.monotonic() })
    await client.create(events, event)
  }

  return {
    record: async (about, note) => {
      const id = [about.metadata.uid, note.type, note.reason, note.action, note.note].join(' ')
      const seen = known.get(id)
      try {
        await (seen !== undefined && clock.monotonic() - seen.at < windowMs ? again(seen) : first(id, about, note))
      } catch (error) {
        known.delete(id)
        logger.info({ reason: note.reason, ...errorFields(error) }, 'event not written')
      }
    },
  }
}
