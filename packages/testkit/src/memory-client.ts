/**
 * A client over objects in memory, for unit tests of code that takes a Client and must not wait for a network.
 *
 * It keeps what such code relies on, as the API server does: growing resource versions, UIDs, 409 for a version or UID that
 * is not the stored one, generations that only the spec moves, merge patches (RFC 7386). It knows no schema, no admission,
 * no garbage collection, and takes an apply for a merge; what depends on those is tested on a real API server.
 */
import { type Client, KubeError, type KubeObject, keyOf, type ObjectName, pathOf, type Resource, type UntypedObject } from '@mnemos/kube'

export interface MemoryClient extends Client {
  /** Every write that was asked for, as `VERB path`. */
  readonly writes: readonly string[]
  /** Every object of a resource, in the order of its making. */
  stored<T extends KubeObject>(resource: Resource<T>): readonly T[]
  /** Called before each write; what it throws, the write throws, and nothing is stored. */
  beforeWrite: (write: string) => void
  /** Called after each write; what it throws, the write throws although it is stored: a reply lost on the wire. */
  afterWrite: (write: string) => void
}

interface Options {
  /** Milliseconds since 1970; default 2026-01-01T00:00:00Z. */
  readonly now?: () => number
}

/** An empty API server. Objects are copied on the way in and on the way out. */
export function memoryClient({ now = () => Date.UTC(2026, 0, 1) }: Options = {}): MemoryClient {
  const objects = new Map<string, UntypedObject>()
  const writes: string[] = []
  let version = 0

  const found = (path: string): UntypedObject => {
    const object = objects.get(path)
    if (object === undefined) throw new KubeError(`${path} not found`, { status: 404, reason: 'NotFound' })
    return object
  }
  /** The stored object, if it has still this UID and version. */
  const expecting = (
    path: string,
    { uid, resourceVersion }: { uid?: string | undefined; resourceVersion?: string | undefined },
  ): UntypedObject => {
    const object = found(path)
    const { metadata } = object
    if ((uid ?? metadata.uid) !== metadata.uid || (resourceVersion ?? metadata.resourceVersion) !== metadata.resourceVersion)
      throw new KubeError(`${path} is ${metadata.uid} at version ${metadata.resourceVersion} now`, { status: 409, reason: 'Conflict' })
    return object
  }
  const write = <T>(verb: string, path: string, act: () => T): Promise<T> => {
    const name = `${verb} ${path}`
    return Promise.resolve().then(() => {
      writes.push(name)
      client.beforeWrite(name)
      const result = structuredClone(act())
      client.afterWrite(name)
      return result
    })
  }
  const store = (path: string, object: UntypedObject, before?: UntypedObject): UntypedObject => {
    const isSpecSame = JSON.stringify(before?.['spec']) === JSON.stringify(object['spec'])
    const { metadata } = object
    const stored = {
      ...object,
      metadata: {
        ...metadata,
        uid: before?.metadata.uid ?? `uid-${version + 1}`,
        creationTimestamp: before?.metadata.creationTimestamp ?? new Date(now()).toISOString(),
        generation: (before?.metadata.generation ?? 0) + (isSpecSame && before !== undefined ? 0 : 1),
      },
    }
    // An update that changes nothing is none: the version stays.
    if (before !== undefined && JSON.stringify(stored) === JSON.stringify(before)) return before
    version += 1
    const versioned = { ...stored, metadata: { ...stored.metadata, resourceVersion: String(version) } }
    objects.set(path, versioned)
    return versioned
  }
  const create = (path: string, object: KubeObject): UntypedObject => {
    if (objects.has(path)) throw new KubeError(`${path} exists already`, { status: 409, reason: 'AlreadyExists' })
    return store(path, structuredClone(object) as UntypedObject)
  }
  const merge = (path: string, patch: unknown): UntypedObject => {
    const wanted = merged(found(path), patch) as UntypedObject
    return store(path, wanted, expecting(path, wanted.metadata))
  }
  // Objects are stored under their resource's path, which carries their type.
  const as = <T>(object: Promise<UntypedObject>): Promise<T> => object as unknown as Promise<T>

  const client: MemoryClient = {
    writes,
    beforeWrite: () => undefined,
    afterWrite: () => undefined,
    stored: <T extends KubeObject>(resource: Resource<T>) =>
      [...objects].filter(([path]) => isOf(resource, path)).map(([, object]) => structuredClone(object) as unknown as T),
    get: <T extends KubeObject>(resource: Resource<T>, name: ObjectName) =>
      Promise.resolve(structuredClone(objects.get(pathOf(resource, name))) as unknown as T | undefined),
    list: (resource) => Promise.resolve({ items: [...client.stored(resource)], resourceVersion: String(version) }),
    create: (resource, object) => as(write('POST', keyOf(object.metadata), () => create(pathOf(resource, object.metadata), object))),
    apply: (resource, object) =>
      as(
        write('APPLY', keyOf(object.metadata), () => {
          const path = pathOf(resource, object.metadata)
          return objects.has(path) ? merge(path, object) : create(path, object)
        }),
      ),
    patch: (resource, name, patch) => as(write('PATCH', keyOf(name), () => merge(pathOf(resource, name), patch))),
    patchStatus: (resource, object, status) =>
      as(
        write('STATUS', keyOf(object.metadata), () => {
          const { uid, resourceVersion } = object.metadata
          const path = pathOf(resource, object.metadata)
          const before = expecting(path, { uid, resourceVersion })
          return store(path, { ...before, status: structuredClone(status) }, before)
        }),
      ),
    delete: (resource, name, options) =>
      write('DELETE', keyOf(name), () => {
        const path = pathOf(resource, name)
        if (!objects.has(path)) return
        expecting(path, options ?? {})
        version += 1
        objects.delete(path)
      }),
    request: (method, path) => Promise.reject(new TypeError(`a client in memory has no ${method} ${path}`)),
    withToken: () => absent('other users'),
    withFence: () => absent('fences'),
    get transport() {
      return absent('connections')
    },
    get context() {
      return absent('connections')
    },
    close: () => Promise.resolve(),
  }
  return client
}

function isOf(resource: Resource, path: string): boolean {
  return path.startsWith(pathOf(resource, {}).slice(0, -resource.plural.length)) && path.split('/').at(-2) === resource.plural
}

function absent(what: string): never {
  throw new TypeError(`a client in memory knows no ${what}`)
}

/** A merge patch applied: null removes, objects merge, everything else replaces. */
function merged(before: unknown, patch: unknown): unknown {
  if (!isPlainObject(patch)) return structuredClone(patch)
  const result = new Map(isPlainObject(before) ? Object.entries(before) : [])
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key)
    else if (value !== undefined) result.set(key, merged(result.get(key), value))
  }
  return Object.fromEntries(result)
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
