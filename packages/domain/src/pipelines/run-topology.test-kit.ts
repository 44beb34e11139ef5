/** Random pipelines with what their Jobs come to: dependencies, references, conditions, gates, approvals, lists and last steps. */
import type { PipelineInput, PipelineSpec } from '@mnemos/api'
import { aPipeline } from '@mnemos/testkit'
import fc from 'fast-check'
import { fraction } from '../scheduling/retry.ts'
import type { Outcome } from './run.test-kit.ts'

type Step = PipelineInput['spec']['steps'][number]

/** What is drawn for a step; others are chosen among those before it. */
interface Drawn {
  readonly type: 'ask' | 'fan' | 'fanOf' | 'gate' | 'approval'
  readonly on: readonly number[]
  readonly names: readonly number[]
  readonly when: 'always' | 'never' | 'ifOther' | 'ifItem'
  readonly items: number
  readonly concurrency: number | undefined
  readonly maxFailed: number
  readonly memoize: boolean
}

const drawn: fc.Arbitrary<Drawn> = fc.record({
  type: fc.constantFrom('ask' as const, 'ask' as const, 'fan' as const, 'fanOf' as const, 'gate' as const, 'approval' as const),
  on: fc.array(fc.nat(20), { maxLength: 2 }),
  names: fc.array(fc.nat(20), { maxLength: 1 }),
  when: fc.constantFrom('always' as const, 'always' as const, 'always' as const, 'never' as const, 'ifOther' as const, 'ifItem' as const),
  items: fc.nat(4),
  concurrency: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  maxFailed: fc.nat(1),
  memoize: fc.boolean(),
})

function stepOf(drawn: Drawn, index: number, before: readonly (readonly [string, Drawn])[], isLast: boolean): Step {
  const name = `${isLast ? 'f' : 's'}${index}`
  const at = (nth: number): readonly [string, Drawn] | undefined => before[nth % Math.max(1, before.length)]
  const main = before.filter(([other]) => other.startsWith(name.slice(0, 1)))
  const dependsOn = [...new Set(drawn.on.flatMap((nth) => main[nth % Math.max(1, main.length)]?.[0] ?? []))]
  const work = drawn.names
    .flatMap((nth) => (at(nth) === undefined ? [] : [at(nth)]))
    .filter((each) => each?.[1].type !== 'gate' && each?.[1].type !== 'approval')
  const named = work.map((each) => `$(steps.${each?.[0] ?? ''}.outputs.text)`).join(' ')
  const isFan = drawn.type === 'fan' || drawn.type === 'fanOf'
  const other = at(drawn.items)?.[0]
  const when =
    drawn.when === 'never'
      ? isFan
        ? 'item != item'
        : 'run.name == ""'
      : drawn.when === 'ifOther' && other !== undefined
        ? `steps["${other}"].phase == "Succeeded"`
        : drawn.when === 'ifItem' && isFan
          ? 'item != "i1"'
          : undefined
  const common = { name, ...(dependsOn.length === 0 ? {} : { dependsOn }), ...(when === undefined ? {} : { when }) }
  if (drawn.type === 'gate')
    return { ...common, gate: { expression: other === undefined ? 'run.name != ""' : `steps["${other}"].phase == "Succeeded"` } }
  if (drawn.type === 'approval') return { ...common, approval: { message: 'Go on?' } }
  const ask = {
    inference: { modelRef: { name: 'm' }, prompt: `${name} ${named} ${isFan ? '$(item)' : ''}` },
    ...(drawn.memoize ? { memoize: {} } : {}),
  }
  if (!isFan) return { ...common, ...ask }
  const fans = before.filter(([, { type }]) => type === 'fan' || type === 'fanOf')
  const source = drawn.type === 'fanOf' ? fans[drawn.items % Math.max(1, fans.length)]?.[0] : undefined
  const items = source === undefined ? Array.from({ length: drawn.items }, (_, item) => `i${item}`) : `$(steps.${source}.outputs.text)`
  const { concurrency, maxFailed } = drawn
  return { ...common, ...ask, forEach: { items, maxFailed, ...(concurrency === undefined ? {} : { concurrency }) } }
}

function stepsOf(
  draws: readonly Drawn[],
  before: readonly (readonly [string, Drawn])[],
  isLast: boolean,
): readonly (readonly [Step, Drawn])[] {
  const known = [...before]
  return draws.map((each, index) => {
    const step = stepOf(each, index, known, isLast)
    known.push([step.name, each])
    return [step, each] as const
  })
}

export interface Topology {
  readonly spec: PipelineSpec
  readonly outcome: Outcome
  readonly refused: (place: string) => boolean
}

export const topology: fc.Arbitrary<Topology> = fc
  .record({
    main: fc.array(drawn, { minLength: 1, maxLength: 6 }),
    last: fc.array(drawn, { maxLength: 2 }),
    concurrency: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    seed: fc.integer(),
    failing: fc.constantFrom(0, 0, 1, 3),
    refusing: fc.constantFrom(0, 0, 0, 1),
    turned: fc.boolean(),
  })
  .map(({ main, last, concurrency, seed, failing, refusing, turned }) => {
    const steps = stepsOf(main, [], false)
    const ending = stepsOf(
      last,
      steps.map(([step, each]) => [step.name, each] as const),
      true,
    )
    const list = steps.map(([step]) => step)
    const spec = {
      steps: turned ? list.toReversed() : list,
      ...(ending.length === 0 ? {} : { finally: ending.map(([step]) => step) }),
      ...(concurrency === undefined ? {} : { concurrency }),
    }
    const draw = (text: string): number => Math.floor(fraction(`${seed} ${text}`) * 10)
    return {
      spec: aPipeline('p', spec).spec,
      outcome: (prompt) => (draw(prompt) < failing ? 'Failed' : 'Succeeded'),
      refused: (place) => draw(`refused ${place}`) < refusing,
    }
  })
