import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileCondition } from './condition.ts'

const world = {
  params: { threshold: 0.8, topics: ['sea', 'sky'] },
  steps: { score: { outputs: { value: 0.9, text: 'good' } }, 'two-words': { outputs: { n: 2 } } },
  run: { id: 'r1' },
  item: 'sea',
}

const rows: Record<string, [text: string, is: boolean | RegExp, outputs: readonly string[], params: readonly string[]]> = {
  'an output against a parameter': ['steps.score.outputs.value > params.threshold', true, ['score.value'], ['threshold']],
  'a step with a dash in its name': ['steps["two-words"].outputs.n == 3', false, ['two-words.n'], []],
  'whether there is an output': ['has(steps.score.outputs.other)', false, ['score.other'], []],
  'an item within a list of a parameter': ['params.topics.exists(topic, topic == item)', true, [], ['topics']],
  'all outputs of a step': ['size(steps.score.outputs) == 2', true, ['score'], []],
  'outputs within comprehensions and lists': ['[1].all(n, steps.score.outputs.value > 0.0) && run.id == "r1"', true, ['score.value'], []],
  'a field that is not there is a failure that repeats no value': [
    'steps.score.outputs.none == 1',
    /field not found: none/,
    ['score.none'],
    [],
  ],
  'no truth': ['steps.score.outputs.text', /neither true nor false/, ['score.text'], []],
}
for (const [what, [text, is, outputs, params]] of Object.entries(rows)) {
  test(`conditions: ${what}`, () => {
    const condition = compileCondition(text, ['when'])
    assert.ok(condition.ok)
    const result = condition.value.evaluate(world)
    if (typeof is === 'boolean') assert.equal(result, is)
    else assert.match(typeof result === 'object' ? result.error : String(result), is)
    assert.deepEqual(
      condition.value.outputs.map(({ step, output }) => (output === undefined ? step : `${step}.${output}`)),
      outputs,
    )
    assert.deepEqual(condition.value.params, params)
  })
}

const broken: Record<string, [text: string, want: RegExp]> = {
  'a variable that there is not': ['object.spec == 1', /there is no variable "object"/],
  'half an expression': ['params.x >', /is no CEL expression/],
  'a pattern from elsewhere': ['item.matches(params.pattern)', /must stand in the expression/],
}
for (const [what, [text, want]] of Object.entries(broken)) {
  test(`conditions: ${what} is told`, () => {
    const condition = compileCondition(text, ['when'])
    assert.ok(!condition.ok)
    assert.match(condition.problems[0]?.message ?? '', want)
  })
}
