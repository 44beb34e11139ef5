/**
 * Judges values by a compiled schema.
 *
 * Guarantees: all findings at once; each place of the value is judged at most once by each schema (in each dynamic scope),
 * so the cost is polynomial whatever the schema; a budget of steps bounds it further, and what goes beyond is a finding and
 * never counts as valid. Total: never throws, on no value and no schema that compiled.
 */
import type { CompiledSchema } from './compile.ts'
import { judgeArray } from './evaluate-array.ts'
import { inPlaceJudgement } from './evaluate-in-place.ts'
import { judgeObject } from './evaluate-object.ts'
import { judgeChoices, judgeNumber, judgeText, judgeType } from './evaluate-plain.ts'
import type { SchemaFinding } from './finding.ts'
import { Instance } from './instance.ts'
import { firstExcess } from './json.ts'
import type { SchemaNode } from './node.ts'
import { type Failure, findingsOf, fine, type Outcome, Seen } from './outcome.ts'
import { type Scope, Scopes } from './scope.ts'

/** Everything that is wrong with a value; empty when it is valid. */
export function evaluate(schema: CompiledSchema, value: unknown): readonly SchemaFinding[] {
  return evaluateAt(schema, schema.root, value)
}

/** Whether a value is valid. */
export function isValid(schema: CompiledSchema, value: unknown): boolean {
  return evaluate(schema, value).length === 0
}

/** The same for a schema within the document. */
export function evaluateAt(schema: CompiledSchema, node: SchemaNode, value: unknown): readonly SchemaFinding[] {
  const { bounds } = schema
  const excess = firstExcess(value, { maxBytes: bounds.maxValueBytes, maxDepth: bounds.maxValueDepth, maxNodes: bounds.maxValueNodes })
  if (excess !== undefined) return [boundFinding(`the value has too many ${excess} to be judged`)]
  const evaluation = new Evaluation(schema)
  try {
    const outcome = evaluation.judge(node, new Instance(value), evaluation.scopes.outermost)
    return outcome.valid ? [] : findingsOf(outcome, bounds.maxFindings)
  } catch (error) {
    if (error instanceof TooCostly) return [boundFinding(error.message)]
    throw error
  }
}

function boundFinding(message: string): SchemaFinding {
  return { pointer: '', schemaPointer: '', keyword: 'bound', message }
}

/** Ends an evaluation that would take too long. Never leaves this module. */
class TooCostly extends Error {}

/** Most schemas under way within one another; the stack holds several times as many. */
const maxUnderWay = 900

const underWay: Outcome = { valid: false, failures: [] }

/** What the judges of single keywords work with. */
export interface Judging {
  readonly collects: boolean
  judge(node: SchemaNode, instance: Instance, scope: Scope): Outcome
  /** Counts work. @throws beyond the budget */
  spend(steps: number): void
}

/** One schema at one place, while it is judged. */
export interface Place {
  readonly node: SchemaNode
  readonly instance: Instance
  readonly scope: Scope
  readonly judging: Judging
  /** undefined when nobody asks. */
  readonly seen: Seen | undefined
  readonly fail: (keyword: string, message: string, more?: Partial<Failure>) => void
  /** What is wrong within, or at the same place by another schema. */
  readonly failWithin: (outcome: Outcome) => void
}

class Evaluation implements Judging {
  readonly scopes = new Scopes()
  readonly collects: boolean
  readonly #schemas: number
  #left: number
  #depth = 0

  constructor({ nodes, bounds, collects }: CompiledSchema) {
    this.#schemas = nodes.length
    this.#left = bounds.maxSteps
    this.collects = collects
  }

  spend(steps: number): void {
    this.#left -= steps
    if (this.#left < 0) throw new TooCostly('judging by this schema takes too many steps; make the schema simpler or the value smaller')
  }

  judge(node: SchemaNode, instance: Instance, outer: Scope): Outcome {
    this.spend(1)
    if (node.always === true) return fine
    const scope = this.scopes.enter(outer, node.resource)
    const key = scope.id * this.#schemas + node.id
    const known = instance.memo.get(key) as Outcome | undefined
    if (known === underWay) throw new TooCostly(`the schema at "${node.pointer}" applies itself to the same place again, without end`)
    if (known !== undefined) return known
    if (this.#depth >= maxUnderWay) throw new TooCostly('the schema nests too deeply on this value')
    instance.memo.set(key, underWay)
    this.#depth += 1
    const outcome = this.#judge(node, instance, scope)
    this.#depth -= 1
    instance.memo.set(key, outcome)
    return outcome
  }

  #judge(node: SchemaNode, instance: Instance, scope: Scope): Outcome {
    const failures: (Failure | Outcome)[] = []
    const seen = this.collects ? new Seen() : undefined
    const place: Place = {
      ...{ node, instance, scope, seen },
      judging: this,
      fail: (keyword, message, more) => void failures.push({ node, instance, keyword, message, ...more }),
      failWithin: (outcome) => void failures.push(outcome),
    }
    if (node.always === false) {
      place.fail('false', 'is not allowed here')
      return { valid: false, failures }
    }
    judgeType(place)
    judgeChoices(place)
    inPlaceJudgement(place)
    if (instance.kind === 'number') judgeNumber(place)
    else if (instance.kind === 'string') judgeText(place)
    else if (instance.kind === 'array') judgeArray(place, failures.length === 0)
    else if (instance.kind === 'object') judgeObject(place, failures.length === 0)
    if (failures.length > 0) return { valid: false, failures }
    return seen === undefined ? fine : { valid: true, failures, seen }
  }
}
