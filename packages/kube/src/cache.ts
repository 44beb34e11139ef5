/**
 * Objects of one resource by UID, name and index, as the API server last told them.
 *
 * Guarantees: an object that was deleted and made again under its name is another object (another UID); every query sees
 * one moment. Readers must not change what they get: objects are shared.
 */
import { type KubeObject, keyOf, type ObjectName } from './types.ts'

export type Indexers<T> = Readonly<Record<string, (object: Readonly<T>) => readonly string[]>>

export interface Cache<T extends KubeObject> {
  get(name: ObjectName): Readonly<T> | undefined
  byUid(uid: string): Readonly<T> | undefined
  list(): readonly Readonly<T>[]
  /** Objects whose index function gave this value. @throws for an index that was not declared */
  byIndex(index: string, value: string): readonly Readonly<T>[]
  readonly size: number
  /** The newest version of the collection that is fully in here; empty before the first list. */
  readonly resourceVersion: string
}

/** The writing side of the cache; only the reflector has it. */
export class ObjectStore<T extends KubeObject> implements Cache<T> {
  resourceVersion = ''
  readonly #byKey = new Map<string, T>()
  readonly #byUid = new Map<string, T>()
  readonly #indexes: ReadonlyMap<
    string,
    { readonly of: (object: Readonly<T>) => readonly string[]; readonly values: Map<string, Map<string, T>> }
  >

  constructor(indexers: Indexers<T> = {}) {
    this.#indexes = new Map(Object.entries(indexers).map(([name, of]) => [name, { of, values: new Map() }]))
  }

  get size(): number {
    return this.#byKey.size
  }

  get(name: ObjectName): Readonly<T> | undefined {
    return this.#byKey.get(keyOf(name))
  }

  byUid(uid: string): Readonly<T> | undefined {
    return this.#byUid.get(uid)
  }

  list(): readonly Readonly<T>[] {
    return [...this.#byKey.values()]
  }

  byIndex(index: string, value: string): readonly Readonly<T>[] {
    const found = this.#indexes.get(index)
    if (found === undefined) throw new TypeError(`no index ${index} was declared`)
    const objects = found.values.get(value)
    return objects === undefined ? [] : [...objects.values()]
  }

  /** Puts an object in the place of the one with its name, and returns that one. */
  set(object: T): T | undefined {
    const key = keyOf(object.metadata)
    const previous = this.#byKey.get(key)
    if (previous !== undefined) this.#unlink(previous)
    this.#byKey.set(key, object)
    const uid = uidOf(object)
    this.#byUid.set(uid, object)
    for (const { of, values } of this.#indexes.values()) {
      for (const value of of(object)) {
        const objects = values.get(value)
        if (objects === undefined) values.set(value, new Map([[uid, object]]))
        else objects.set(uid, object)
      }
    }
    return previous
  }

  /** Takes out the object with this name and UID, and returns it. */
  delete(object: KubeObject): T | undefined {
    const key = keyOf(object.metadata)
    const known = this.#byKey.get(key)
    if (known === undefined || uidOf(known) !== uidOf(object)) return undefined
    this.#byKey.delete(key)
    this.#unlink(known)
    return known
  }

  #unlink(object: T): void {
    const uid = uidOf(object)
    this.#byUid.delete(uid)
    for (const { of, values } of this.#indexes.values()) {
      for (const value of of(object)) {
        const objects = values.get(value)
        objects?.delete(uid)
        if (objects?.size === 0) values.delete(value)
      }
    }
  }
}

export function uidOf(object: KubeObject): string {
  return object.metadata.uid ?? ''
}
