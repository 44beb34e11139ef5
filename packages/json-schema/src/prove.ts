/**
 * Proves that one schema accepts everything that another accepts.
 *
 * Guarantees: what is proved is true; what is not proved may be true all the same, and is listed by place and keyword.
 * References that come back to themselves are proved by assuming what is being proved: each assumption lies deeper in the
 * value than what it is used for, and values are finite. The work is bounded; beyond the bound nothing is proved.
 */
import type { CompiledSchema } from './compile.ts'
import { evaluateAt } from './evaluate.ts'
import type { SchemaNode } from './node.ts'
import { itemsHold } from './prove-array.ts'
import { membersHold } from './prove-object.ts'
import { numberHolds, textHolds, typeHolds } from './prove-plain.ts'
import { Sameness } from './same.ts'
import { type Shape, shapesOf } from './shape.ts'
import { isImpossible } from './shape-impossible.ts'
import { memberNodes, requiredOf } from './shape-parts.ts'

/** A keyword of which it was not proved that it holds. */
export interface Unproved {
  /** Place in a value; `*` stands for any name or index. */
  readonly pointer: string
  readonly node: SchemaNode
  readonly keyword: string
}

const maxSteps = 3000
const maxDepth = 60
const maxSplit = 12

/**
 * Everything of `to` that could not be proved to hold for all values of `from`; empty when all of it does.
 * @param effort share of the usual work, above 0
 */
export function unprovedOf(from: CompiledSchema, to: CompiledSchema, effort: number): readonly Unproved[] {
  const prover = new Prover(from, to, effort)
  try {
    if (prover.includes([from.root], to.root, '')) return []
  } catch (error) {
    if (!(error instanceof Exhausted)) throw error
    return [{ pointer: '', node: to.root, keyword: '' }]
  }
  const { unproved } = prover
  return unproved.length > 0 ? unproved : [{ pointer: '', node: to.root, keyword: '' }]
}

/** Ends a proof that would take too long. Never leaves this module. */
class Exhausted extends Error {}

/** What the proofs of single keywords work with. */
export interface Proving {
  /** Whether all values that the schemas accept together are accepted by the node. */
  includes(nodes: readonly SchemaNode[], to: SchemaNode, pointer: string): boolean
  /** Notes that a keyword was not proved. Returns false. */
  miss(pointer: string, node: SchemaNode, keyword: string): false
  /** Whether a value is accepted by a schema of the new side. */
  accepts(to: SchemaNode, value: unknown): boolean
}

class Prover implements Proving {
  readonly #from: CompiledSchema
  readonly #to: CompiledSchema
  readonly #same = new Sameness()
  readonly #ids = new Map<SchemaNode, number>()
  /** What is proved, or is being proved. */
  readonly #held = new Set<string>()
  readonly #trail: string[] = []
  unproved: Unproved[] = []
  #left: number
  #depth = 0

  constructor(from: CompiledSchema, to: CompiledSchema, effort: number) {
    this.#from = from
    this.#to = to
    this.#left = maxSteps * effort
  }

  includes(nodes: readonly SchemaNode[], to: SchemaNode, pointer: string): boolean {
    if (to.always === true) return true
    const key = `${nodes
      .map((node) => this.#idOf(node))
      .sort((a, b) => a - b)
      .join(',')}|${this.#idOf(to)}`
    if (this.#held.has(key)) return true
    if (nodes.some((node) => this.#same.has(node, to))) return true
    if (this.#depth >= maxDepth) return this.miss(pointer, to, '')
    const mark = this.#trail.length
    this.#held.add(key)
    this.#trail.push(key)
    this.#depth += 1
    const holds = shapesOf(nodes)
      .map((shape) => this.#holds(shape, to, pointer))
      .every(Boolean)
    this.#depth -= 1
    // What was proved under an assumption that fell is proved no more.
    if (!holds) for (const fallen of this.#trail.splice(mark)) this.#held.delete(fallen)
    return holds
  }

  miss(pointer: string, node: SchemaNode, keyword: string): false {
    if (!this.unproved.some((each) => each.node === node && each.keyword === keyword && each.pointer === pointer))
      this.unproved.push({ pointer, node, keyword })
    return false
  }

  accepts(to: SchemaNode, value: unknown): boolean {
    return evaluateAt(this.#to, to, value).length === 0
  }

  #spend(steps: number): void {
    this.#left -= steps
    if (this.#left < 0) throw new Exhausted()
  }

  #idOf(node: SchemaNode): number {
    const id = this.#ids.get(node) ?? this.#ids.size
    this.#ids.set(node, id)
    return id
  }

  #holds(shape: Shape, to: SchemaNode, pointer: string): boolean {
    this.#spend(1)
    if (to.always === true || isImpossible(shape)) return true
    if (to.always === false) return this.miss(pointer, to, 'false')
    if (shape.nodes.some((node) => this.#same.has(node, to))) return true
    if (shape.values !== undefined) return this.#valuesHold(shape, shape.values, to, pointer)
    return [
      to.dynamicRef?.name === undefined || this.miss(pointer, to, '$dynamicRef'),
      to.choices === undefined || this.miss(pointer, to, to.choices[0]?.keyword ?? 'enum'),
      typeHolds(this, shape, to, pointer),
      this.#inPlaceHolds(shape, to, pointer),
      shape.kind !== 'number' || numberHolds(this, shape, to, pointer),
      shape.kind !== 'string' || textHolds(this, shape, to, pointer),
      shape.kind !== 'array' || itemsHold(this, shape, to, pointer),
      shape.kind !== 'object' || membersHold(this, shape, to, pointer),
    ].every(Boolean)
  }

  /** There are few values: each is simply judged. */
  #valuesHold({ nodes }: Shape, values: readonly unknown[], to: SchemaNode, pointer: string): boolean {
    const wrong = values.find(
      (value) => nodes.every((node) => evaluateAt(this.#from, node, value).length === 0) && !this.accepts(to, value),
    )
    return wrong === undefined || this.miss(pointer, to, to.choices?.[0]?.keyword ?? 'enum')
  }

  #inPlaceHolds(shape: Shape, to: SchemaNode, pointer: string): boolean {
    const { ref, dynamicRef, allOf = [], anyOf, oneOf, not } = to
    const all = [...(ref === undefined ? [] : [ref]), ...(dynamicRef === undefined ? [] : [dynamicRef.target]), ...allOf]
    return [
      ...all.map((each) => this.#holds(shape, each, pointer)),
      anyOf === undefined || this.#split(shape, anyOf, (part) => this.#fitsAny(part, anyOf, pointer)) || this.miss(pointer, to, 'anyOf'),
      oneOf === undefined || this.#split(shape, oneOf, (part) => this.#fitsOne(part, oneOf, pointer)) || this.miss(pointer, to, 'oneOf'),
      not === undefined || this.#isApart(shape, not) || this.miss(pointer, to, 'not'),
      this.#conditionHolds(shape, to, pointer),
      this.#dependentHold(shape, to, pointer),
    ].every(Boolean)
  }

  #fitsAny(shape: Shape, alternatives: readonly SchemaNode[], pointer: string): boolean {
    return alternatives.some((each) => this.#try(() => this.#holds(shape, each, pointer)))
  }

  #fitsOne(shape: Shape, alternatives: readonly SchemaNode[], pointer: string): boolean {
    return alternatives.some(
      (each) =>
        this.#try(() => this.#holds(shape, each, pointer)) && alternatives.every((other) => other === each || this.#isApart(shape, other)),
    )
  }

  #conditionHolds(shape: Shape, { if: condition, then, else: otherwise }: SchemaNode, pointer: string): boolean {
    if (condition === undefined || (then === undefined && otherwise === undefined)) return true
    return this.#split(shape, [condition], (part) => {
      if (this.#isApart(part, condition)) return otherwise === undefined || this.#holds(part, otherwise, pointer)
      const fits = then === undefined || this.#withNodes(part, [condition]).every((each) => this.#holds(each, then, pointer))
      if (!fits) return false
      const always = this.#try(() => this.#holds(part, condition, pointer))
      return always || otherwise === undefined || this.#holds(part, otherwise, pointer)
    })
  }

  #dependentHold(shape: Shape, { dependentSchemas }: SchemaNode, pointer: string): boolean {
    if (dependentSchemas === undefined || shape.kind !== 'object') return true
    return [...dependentSchemas]
      .map(([name, schema]) =>
        this.#withNodes(shape, [synthetic(shape, { required: [name] })]).every((each) => this.#holds(each, schema, pointer)),
      )
      .every(Boolean)
  }

  /** The shape, narrowed by further schemas. */
  #withNodes({ kind, nodes }: Shape, more: readonly SchemaNode[]): readonly Shape[] {
    const found = shapesOf([...nodes, ...more]).filter((shape) => shape.kind === kind)
    this.#spend(4 + found.length + (nodes.length >> 2))
    return found.filter((shape) => !isImpossible(shape))
  }

  /** Whether no value of the shape is accepted by the schema. */
  #isApart(shape: Shape, node: SchemaNode): boolean {
    if (shape.values !== undefined) return shape.values.every((value) => !this.accepts(node, value))
    return this.#withNodes(shape, [node]).length === 0
  }

  /** An attempt of several: what it misses is forgotten when it fails. */
  #try(attempt: () => boolean): boolean {
    const before = this.unproved
    this.unproved = []
    const holds = attempt()
    this.unproved = before
    return holds
  }

  /** Proves it for the whole, or else for each value of a member that tells alternatives apart. */
  #split(shape: Shape, alternatives: readonly SchemaNode[], prove: (part: Shape) => boolean): boolean {
    if (this.#try(() => prove(shape))) return true
    if (shape.kind !== 'object') return prove(shape)
    for (const name of new Set(alternatives.flatMap(({ properties }) => [...(properties?.keys() ?? [])]))) {
      const parts = this.#partsBy(shape, name)
      if (parts?.every((part) => this.#try(() => prove(part)))) return true
    }
    return prove(shape)
  }

  #partsBy(shape: Shape, name: string): readonly Shape[] | undefined {
    const members = shapesOf(memberNodes(shape.nodes, name))
    const values = members.flatMap((member) => member.values ?? [undefined])
    if (values.length > maxSplit || values.includes(undefined)) return undefined
    const fixed = values.flatMap((value) => {
      const only = synthetic(shape, {
        choices: [{ keyword: 'const', choice: { values: [value], texts: new Set([JSON.stringify(value)]) } }],
      })
      return this.#withNodes(shape, [synthetic(shape, { required: [name], properties: new Map([[name, only]]) })])
    })
    if (requiredOf(shape).has(name)) return fixed
    const never: SchemaNode = { ...synthetic(shape, {}), always: false }
    return [...fixed, ...this.#withNodes(shape, [synthetic(shape, { properties: new Map([[name, never]]) })])]
  }
}

/** A schema that nobody wrote. It is never evaluated together with others, so its number does not matter. */
function synthetic({ nodes }: Shape, keywords: Partial<SchemaNode>): SchemaNode {
  const resource = nodes[0]?.resource ?? { id: 0, uri: '', anchors: new Map(), dynamicAnchors: new Map() }
  return { id: 0, pointer: '', resource, raw: { synthetic: true }, ...keywords }
}
