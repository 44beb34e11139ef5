/**
 * CEL expressions of policies, checked before they are trusted with a request.
 *
 * Bounds: the length (by the kind), two comprehensions within one another, patterns of `matches` that stand in the expression
 * (they are compiled once, by a linear-time engine), and only the variables that there are.
 * Guarantees: what an evaluation says of its failure holds no value of the object.
 */
import { celEnv, isCelError, parse, plan } from '@bufbuild/cel'
import type { Path } from '@mnemos/api'
import { broken, type Compiled, compiled } from './rule-kind.ts'

/** What an expression of a policy may name. */
const policyVariables = ['object', 'oldObject', 'request']
const maxNesting = 2
const environment = celEnv()

export type Expr = ReturnType<typeof parse>['expr']
/** True or false, or why it is neither. */
export type Evaluate = (variables: Readonly<Record<string, unknown>>) => boolean | { readonly error: string }

/** An expression that was read, and how it is evaluated. */
export interface CelProgram {
  readonly expr: Expr
  readonly evaluate: Evaluate
}

/**
 * @param path of the expression, for problems
 * @param variables that there are
 */
export function celExpression(text: string, path: Path, variables: readonly string[] = policyVariables): Compiled<Evaluate> {
  const program = celProgram(text, path, variables)
  return program.ok ? compiled(program.value.evaluate) : program
}

/** The same with the tree of the expression, for those who look into it: reading it is what costs. */
export function celProgram(text: string, path: Path, variables: readonly string[]): Compiled<CelProgram> {
  try {
    const { expr } = parse(text)
    const problem = problemIn(expr, { names: new Set(variables), variables }, 0)
    if (problem !== undefined) return broken({ path, ...problem })
    // The library types variables by declaration; ours have any shape.
    const words = new Set(text.split(/\W+/))
    const run = plan(environment, expr) as (variables: Readonly<Record<string, unknown>>) => unknown
    const evaluate: Evaluate = (values) => {
      try {
        const result = run(values)
        if (isCelError(result)) return { error: withoutValues(result.message, words) }
        return typeof result === 'boolean' ? result : { error: 'the result is neither true nor false' }
      } catch (error) {
        return { error: withoutValues(error instanceof Error ? error.message : '', words) }
      }
    }
    return compiled({ expr, evaluate })
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^<input>:/, 'at ') : 'it cannot be read'
    return broken({ path, message: `is no CEL expression: ${why}` })
  }
}

/** Sentences of the library that name types and operators only. */
const ofTypes =
  /^(found no matching overload|type mismatch|undeclared reference|unbound function|u?int overflow|\w+ (divide|modulus) by zero)/

/**
 * Why an evaluation failed. Most sentences repeat the value, and what becomes of them is read by others than who wrote it: in
 * the status of a policy, in logs.
 */
function withoutValues(message: string, words: ReadonlySet<string>): string {
  const missing = /^field not found: (\w+)$/.exec(message)?.[1]
  if (missing !== undefined && words.has(missing)) return message
  return ofTypes.test(message) ? message : 'a value in it has not the form that it needs'
}

interface Problem {
  readonly message: string
  readonly suggestion?: string
}

/** What can be named at a place of an expression: the variables, and within a comprehension its own. */
interface Scope {
  readonly names: ReadonlySet<string>
  readonly variables: readonly string[]
}

function problemIn(expr: Expr | undefined, scope: Scope, depth: number): Problem | undefined {
  const kind = expr?.exprKind
  if (kind === undefined) return undefined
  const firstOf = (...parts: readonly (Expr | undefined)[]): Problem | undefined => {
    for (const part of parts) {
      const problem = problemIn(part, scope, depth)
      if (problem !== undefined) return problem
    }
    return undefined
  }
  switch (kind.case) {
    case 'identExpr': {
      const { name } = kind.value
      if (scope.names.has(name)) return undefined
      return { message: `there is no variable "${name}"`, suggestion: `the variables are ${scope.variables.join(', ')}` }
    }
    case 'selectExpr':
      return firstOf(kind.value.operand)
    case 'listExpr':
      return firstOf(...kind.value.elements)
    case 'structExpr':
      return firstOf(...kind.value.entries.flatMap(({ keyKind, value }) => [keyKind.case === 'mapKey' ? keyKind.value : undefined, value]))
    case 'callExpr': {
      const { function: name, target, args } = kind.value
      if (name === 'matches' && args.at(-1)?.exprKind.case !== 'constExpr')
        return { message: 'the pattern of matches() must stand in the expression', suggestion: 'write it as a text' }
      return firstOf(target, ...args)
    }
    case 'comprehensionExpr': {
      if (depth >= maxNesting) return { message: `more than ${maxNesting} of all(), exists(), map(), filter() are within one another` }
      const { iterVar, iterVar2, accuVar, iterRange, accuInit, loopCondition, loopStep, result } = kind.value
      const within = { ...scope, names: new Set([...scope.names, iterVar, iterVar2, accuVar]) }
      for (const part of [loopCondition, loopStep, result]) {
        const problem = problemIn(part, within, depth + 1)
        if (problem !== undefined) return problem
      }
      return firstOf(iterRange, accuInit)
    }
    default:
      return undefined
  }
}
