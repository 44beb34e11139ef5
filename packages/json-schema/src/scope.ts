/**
 * A dynamic scope, cut down to what `$dynamicRef` can see of it: for each dynamic anchor the outermost schema that has it.
 *
 * Equal scopes are one object, so that results can be remembered by scope.
 */
import type { SchemaNode, SchemaResource } from './node.ts'

export interface Scope {
  readonly id: number
  readonly bound: ReadonlyMap<string, SchemaNode>
}

export class Scopes {
  readonly #known = new Map<string, Scope>()
  readonly #steps = new Map<string, Scope>()
  readonly outermost: Scope

  constructor() {
    this.outermost = this.#of(new Map())
  }

  /** The scope within, after a schema of the resource was entered. */
  enter(scope: Scope, resource: SchemaResource): Scope {
    if (resource.dynamicAnchors.size === 0) return scope
    const step = `${scope.id}/${resource.id}`
    const known = this.#steps.get(step)
    if (known !== undefined) return known
    const bound = new Map(scope.bound)
    for (const [name, node] of resource.dynamicAnchors) if (!bound.has(name)) bound.set(name, node)
    const entered = this.#of(bound)
    this.#steps.set(step, entered)
    return entered
  }

  #of(bound: ReadonlyMap<string, SchemaNode>): Scope {
    const key = JSON.stringify([...bound].map(([name, { id }]) => [name, id]).sort())
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const scope = { id: this.#known.size, bound }
    this.#known.set(key, scope)
    return scope
  }
}
