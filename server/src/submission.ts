/** Making an object once: under the same Idempotency-Key the same request twice is one object, and another request is refused. */
import { createHash, randomBytes } from 'node:crypto'
import { isAlreadyExists, type KubeObject, type Resource } from '@mnemos/kube'
import type { FastifyRequest } from 'fastify'
import type { Caller } from './callers.ts'
import { Refusal } from './refusal.ts'

export const requestDigestAnnotation = 'mnemos.dev/request-sha256'

/** Who asks, and under which key. */
export interface Submitter {
  readonly userName: string
  readonly idempotencyKey: string | undefined
}

export function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key']
  return typeof key === 'string' ? key : undefined
}

/** The prefix with an end of its own; with a key always the same one for a user. */
export function nameFor(prefix: string, { userName, idempotencyKey }: Submitter): string {
  if (idempotencyKey === undefined) return `${prefix}${randomBytes(5).toString('hex')}`
  return `${prefix}${createHash('sha256').update(`${userName}\0${idempotencyKey}`).digest('hex').slice(0, 12)}`
}

/** Annotations that tell one request of a key from another; none without a key. */
export function requestMark(asked: unknown, { idempotencyKey }: Submitter): Readonly<Record<string, string>> {
  if (idempotencyKey === undefined) return {}
  return { [requestDigestAnnotation]: createHash('sha256').update(JSON.stringify(asked)).digest('hex') }
}

/** Creates the object; with a key, one that is there from the same request is the answer. */
export async function createOnce<T extends KubeObject>(
  { client }: Caller,
  resource: Resource<T>,
  object: KubeObject,
  idempotencyKey: string | undefined,
): Promise<T> {
  try {
    return await client.create<T>(resource, object)
  } catch (error) {
    if (idempotencyKey === undefined || !isAlreadyExists(error)) throw error
    const existing = await client.get(resource, object.metadata)
    if (existing === undefined) throw error
    const digestOf = ({ metadata }: KubeObject): string | undefined => metadata.annotations?.[requestDigestAnnotation]
    if (digestOf(existing) === digestOf(object)) return existing
    throw new Refusal('MNEMOS_CONFLICT', 'This Idempotency-Key was used for another request; use a new one.', { cause: error })
  }
}
