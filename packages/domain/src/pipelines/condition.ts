/**
 * Conditions of steps and gates, in CEL over `params`, `steps.<step>.outputs`, `item` and `run`: compiled once, with what they refer to, so that
 * the graph knows whom a step waits for because of its condition.
 *
 * Bounds and what is said of failures are those of the expressions of policies: linear patterns, two comprehensions within one
 * another, no value in any message.
 */
import type { Path } from '@mnemos/api'
import { celProgram, type Evaluate, type Expr } from '../policies/cel-expression.ts'
import { type Compiled, compiled } from '../policies/rule-kind.ts'

export interface Condition {
  /** True or false, or why it is neither. */
  readonly evaluate: Evaluate
  /** Steps whose outputs it looks at, and which; `undefined` for all of a step's. */
  readonly outputs: readonly { readonly step: string; readonly output: string | undefined }[]
  /** All steps that it looks at, those of which it asks the phase alone included. */
  readonly steps: readonly string[]
  /** It names none of its variables. */
  readonly looksAtNothing: boolean
  /** Parameters that it looks at. */
  readonly params: readonly string[]
}

/** What a condition may name. */
export const conditionVariables = ['params', 'steps', 'item', 'run'] as const

/** @param path of the expression, for problems */
export function compileCondition(text: string, path: Path): Compiled<Condition> {
  const program = celProgram(text, path, conditionVariables)
  if (!program.ok) return program
  const { expr, evaluate } = program.value
  const chains = chainsIn(expr)
  return compiled({
    evaluate,
    outputs: chains.flatMap(([root, step, outputs, output]) =>
      root === 'steps' && step !== undefined && outputs !== 'phase' ? [{ step, output }] : [],
    ),
    looksAtNothing: chains.every(([root]) => !conditionVariables.some((name) => name === root)),
    steps: [...new Set(chains.flatMap(([root, step]) => (root === 'steps' && step !== undefined ? [step] : [])))],
    params: [...new Set(chains.flatMap(([root, name]) => (root === 'params' && name !== undefined ? [name] : [])))],
  })
}

/** Every row of selections that begins at a variable: `steps.a.outputs.x` and `steps["a"].outputs.x` are [steps, a, outputs, x]. */
function chainsIn(expr: Expr | undefined): readonly (readonly [string, ...string[]])[] {
  const kind = expr?.exprKind
  if (kind === undefined) return []
  const chain = chainOf(expr)
  if (chain !== undefined) return [chain]
  switch (kind.case) {
    case 'selectExpr':
      return chainsIn(kind.value.operand)
    case 'listExpr':
      return kind.value.elements.flatMap(chainsIn)
    case 'structExpr':
      return kind.value.entries.flatMap(({ keyKind, value }) => [
        ...(keyKind.case === 'mapKey' ? chainsIn(keyKind.value) : []),
        ...chainsIn(value),
      ])
    case 'callExpr':
      return [...chainsIn(kind.value.target), ...kind.value.args.flatMap(chainsIn)]
    case 'comprehensionExpr': {
      const { iterRange, accuInit, loopCondition, loopStep, result } = kind.value
      return [iterRange, accuInit, loopCondition, loopStep, result].flatMap(chainsIn)
    }
    default:
      return []
  }
}

/** The row that an expression is, or undefined when it is more than that. */
function chainOf(expr: Expr | undefined): readonly [string, ...string[]] | undefined {
  const kind = expr?.exprKind
  if (kind?.case === 'identExpr') return [kind.value.name]
  if (kind?.case === 'selectExpr') {
    const before = chainOf(kind.value.operand)
    return before === undefined ? undefined : [...before, kind.value.field]
  }
  if (kind?.case !== 'callExpr' || kind.value.function !== '_[_]') return undefined
  const [operand, index] = kind.value.args
  const before = chainOf(operand)
  const key = index?.exprKind.case === 'constExpr' ? index.exprKind.value.constantKind : undefined
  return before === undefined || key?.case !== 'stringValue' ? undefined : [...before, key.value]
}
