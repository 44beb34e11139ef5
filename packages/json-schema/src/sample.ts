/**
 * Builds values that one schema accepts and that lie near the bounds of both it and another: the places where two schemas
 * part. Each value is one step away from a plain one, so that what it shows is one thing.
 *
 * Guarantees: every value is accepted by the schemas it was built for (it is judged before it is returned); the work is
 * bounded. Promises no completeness: no value found does not mean that there is none.
 */
import type { CompiledSchema } from './compile.ts'
import { evaluateAt } from './evaluate.ts'
import { canonical } from './json.ts'
import type { SchemaNode } from './node.ts'
import { listsNear, objectsNear } from './sample-nested.ts'
import { numbersNear, textsNear } from './sample-plain.ts'
import { allInPlace, type Shape, shapesOf } from './shape.ts'

const maxDepth = 7
const maxAtRoot = 600
const maxWithin = 20
const maxTried = 5000
const maxLength = 20_000

/** What the builders of single kinds work with. */
export interface Sampling {
  /** Values for a place within, plainest first. `near` are schemas whose bounds are of interest. */
  within(nodes: readonly SchemaNode[], near: readonly SchemaNode[]): readonly unknown[]
}

/**
 * Values that `from` accepts, of interest to somebody who looks for what `to` refuses.
 * @param effort share of the usual work, above 0
 */
export function samplesNear(from: CompiledSchema, to: CompiledSchema, effort = 1): readonly unknown[] {
  return new Sampler(from, maxTried * effort).values([from.root], [to.root], maxAtRoot)
}

class Sampler implements Sampling {
  readonly #from: CompiledSchema
  readonly #known = new Map<string, readonly unknown[]>()
  readonly #ids = new Map<SchemaNode, number>()
  #depth = 0
  #left: number

  constructor(from: CompiledSchema, mostTried: number) {
    this.#from = from
    this.#left = mostTried
  }

  within(nodes: readonly SchemaNode[], near: readonly SchemaNode[]): readonly unknown[] {
    return this.values(nodes, near, maxWithin)
  }

  values(nodes: readonly SchemaNode[], near: readonly SchemaNode[], most: number): readonly unknown[] {
    const key = `${this.#key(nodes)}|${this.#key(near)}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    // What is being built is not there yet: recursion ends with nothing, and the optional part is left out.
    this.#known.set(key, [])
    this.#depth += 1
    const found = this.#depth > maxDepth ? [] : this.#build(nodes, allInPlace(near), most)
    this.#depth -= 1
    this.#known.set(key, found)
    return found
  }

  #build(nodes: readonly SchemaNode[], near: readonly SchemaNode[], most: number): readonly unknown[] {
    const found = new Map<string, unknown>()
    const rows = shapesOf(nodes).map((shape) => this.#ofShape(shape, near))
    // A few of each shape before many of one.
    for (let at = 0; at < most; at += 1) {
      let isLeft = false
      for (const row of rows) {
        if (at >= row.length) continue
        isLeft = true
        const value = row[at]
        const text = canonical(value)
        if (found.size >= most || found.has(text) || text.length > maxLength || !this.#accepts(nodes, value)) continue
        found.set(text, value)
      }
      if (!isLeft) break
    }
    return [...found.values()]
  }

  #ofShape(shape: Shape, near: readonly SchemaNode[]): readonly unknown[] {
    if (shape.values !== undefined) return shape.values.slice(0, maxWithin * 4)
    const chosen = near.flatMap(({ choices = [] }) => choices.flatMap(({ choice }) => choice.values.slice(0, maxWithin)))
    const others = [...chosen, ...examplesOf(shape.nodes)]
    switch (shape.kind) {
      case 'number':
        return [...numbersNear(shape, near), ...others]
      case 'string':
        return [...textsNear(shape, near), ...others]
      case 'array':
        return [...listsNear(this, shape, near), ...others]
      case 'object':
        return [...objectsNear(this, shape, near), ...others]
      default:
        return others
    }
  }

  #accepts(nodes: readonly SchemaNode[], value: unknown): boolean {
    this.#left -= 1
    return this.#left > 0 && nodes.every((node) => evaluateAt(this.#from, node, value).length === 0)
  }

  #key(nodes: readonly SchemaNode[]): string {
    return nodes
      .map((node) => {
        const id = this.#ids.get(node) ?? this.#ids.size
        this.#ids.set(node, id)
        return id
      })
      .sort((a, b) => a - b)
      .join(',')
  }
}

function examplesOf(nodes: readonly SchemaNode[]): readonly unknown[] {
  return nodes.flatMap(({ raw }) => {
    if (typeof raw === 'boolean') return []
    const examples: unknown = raw['examples']
    return [
      ...(Array.isArray(examples) ? (examples as readonly unknown[]).slice(0, 4) : []),
      ...(Object.hasOwn(raw, 'default') ? [raw['default']] : []),
    ]
  })
}
