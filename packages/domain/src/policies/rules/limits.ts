/** Ceilings: for what a Job may ask of the queue, the engine and its node, and a WorkerPool of its nodes. */
import { type Path, type PolicyRule, type Priority, priorities } from '@mnemos/api'
import { fieldOf } from '../../reading.ts'
import { nanosOf } from '../quantity.ts'
import { broken, type Compiled, compiled, type Judgement, type RuleFinding } from '../rule-kind.ts'
import type { PolicySubject } from '../subject.ts'

type LimitsRule = NonNullable<PolicyRule['limits']>

export function limitsRule(rule: LimitsRule): Compiled<Judgement> {
  const ceilings = Object.entries(rule.resources ?? {}).map(([name, most]) => ({ name, most, nanos: nanosOf(most) }))
  const wrong = ceilings.filter(({ nanos }) => nanos === undefined)
  if (wrong.length > 0)
    return broken(...wrong.map(({ name, most }) => ({ path: ['limits', 'resources', name], message: `"${most}" is no quantity` })))
  return compiled({
    kinds: ['Job', 'WorkerPool'],
    judge: (subject) => [
      ...(subject.kind === 'Job' ? jobFindings(subject.spec, rule) : []),
      ...ceilings.flatMap(({ name, most, nanos = 0n }) => resourceFindings(subject, name, String(most), nanos)),
    ],
  })
}

function jobFindings(spec: unknown, { maxPriority, maxTokens, maxRunSeconds, maxRetries }: LimitsRule): readonly RuleFinding[] {
  const parameters = fieldOf(fieldOf(spec, 'inference'), 'parameters')
  const runSeconds = fieldOf(fieldOf(spec, 'deadlines'), 'runSeconds')
  return [
    ...priorityFindings(
      priorities.find((each) => each === fieldOf(spec, 'priority')),
      maxPriority,
    ),
    ...above(['spec', 'inference', 'parameters', 'maxTokens'], fieldOf(parameters, 'maxTokens'), maxTokens),
    ...(maxRunSeconds !== undefined && runSeconds === undefined
      ? [{ path: ['spec', 'deadlines', 'runSeconds'], message: 'is required', suggestion: `set it to at most ${maxRunSeconds}` }]
      : above(['spec', 'deadlines', 'runSeconds'], runSeconds, maxRunSeconds)),
    ...above(['spec', 'retry', 'limit'], fieldOf(fieldOf(spec, 'retry'), 'limit'), maxRetries),
  ]
}

function priorityFindings(priority: Priority | undefined, most: LimitsRule['maxPriority']): readonly RuleFinding[] {
  if (most === undefined || priority === undefined || priorities.indexOf(priority) >= priorities.indexOf(most)) return []
  return [{ path: ['spec', 'priority'], message: `${priority} is above ${most}`, suggestion: `use ${most} or less` }]
}

function above(path: Path, value: unknown, most: number | undefined): readonly RuleFinding[] {
  if (most === undefined || typeof value !== 'number' || value <= most) return []
  return [{ path, message: `${value} is above ${most}`, suggestion: `use at most ${most}` }]
}

function resourceFindings({ spec }: PolicySubject, name: string, most: string, nanos: bigint): readonly RuleFinding[] {
  return (['requests', 'limits'] as const).flatMap((part) => {
    const asked = fieldOf(fieldOf(fieldOf(spec, 'resources'), part), name)
    const wanted = nanosOf(asked)
    if (wanted === undefined || wanted <= nanos) return []
    return [{ path: ['spec', 'resources', part, name], message: `${String(asked)} is above ${most}`, suggestion: `use at most ${most}` }]
  })
}
