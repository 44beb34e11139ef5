/** A value as a tree of places: each place is one node, so that what was judged there once is remembered there. */
import { canonical, isJsonObject, type JsonKind, kindOf } from './json.ts'
import { below } from './pointer.ts'

export class Instance {
  readonly value: unknown
  readonly kind: JsonKind
  readonly #parent: Instance | undefined
  readonly #key: string | number
  /** Results by schema and dynamic scope. */
  readonly memo = new Map<number, unknown>()
  #members: ReadonlyMap<string, Instance> | undefined
  #items: readonly Instance[] | undefined
  #text: string | undefined

  constructor(value: unknown, parent?: Instance, key: string | number = '') {
    this.value = value
    this.kind = kindOf(value) ?? 'null'
    this.#parent = parent
    this.#key = key
  }

  get pointer(): string {
    return this.#parent === undefined ? '' : below(this.#parent.pointer, this.#key)
  }

  get members(): ReadonlyMap<string, Instance> {
    const value = this.value
    this.#members ??= new Map(isJsonObject(value) ? Object.keys(value).map((key) => [key, new Instance(value[key], this, key)]) : [])
    return this.#members
  }

  get items(): readonly Instance[] {
    this.#items ??= Array.isArray(this.value) ? this.value.map((each: unknown, at) => new Instance(each, this, at)) : []
    return this.#items
  }

  /** One text for equal values. */
  get text(): string {
    this.#text ??= canonical(this.value)
    return this.#text
  }
}
