/**
 * Whatever no other type of rule says: a CEL expression that must be true.
 *
 * Pipelines and their runs are asked only by a policy that names them: what is true of Jobs and Models need not be of those, and what they
 * become is judged as Jobs.
 */
import { policedKinds } from '@mnemos/api'
import { celExpression } from '../cel-expression.ts'
import { type Compiled, compiled, type Judgement } from '../rule-kind.ts'

export function expressionRule(text: string): Compiled<Judgement> {
  const expression = celExpression(text, ['expression'])
  if (!expression.ok) return expression
  return compiled({
    kinds: policedKinds,
    whenNamed: ['Pipeline', 'PipelineRun'],
    judge: (subject) => {
      const result = expression.value(subject.variables())
      if (result === true) return []
      // What cannot be told is not allowed; `has()` is the way to ask for what may be absent.
      const message = result === false ? 'the expression of the rule is false' : `the expression of the rule failed: ${result.error}`
      return [
        { path: ['spec'], message, ...(result === false ? { suggestion: text.length > 200 ? 'see the rule' : `it demands ${text}` } : {}) },
      ]
    },
  })
}
