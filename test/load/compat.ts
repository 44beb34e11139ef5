/**
 * `compat`: the checker of compatibility against generated pairs of schemas. Whenever it says compatible, generated documents
 * must agree; whenever it says incompatible, each counter-example must be real. Both are judged by another implementation (ajv) too.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { compareSchemas, compileSchema, isValid } from '@mnemos/json-schema'
import fc from 'fast-check'
import { somePair, someValue } from '../../packages/json-schema/src/arbitrary.test-kit.ts'

interface Judge {
  validate(schema: unknown, value: unknown): boolean
}

const pairs = 6000
const valuesEach = 40
const { Ajv2020 } = createRequire(join(import.meta.dirname, '../../packages/json-schema/package.json'))('ajv/dist/2020.js') as {
  Ajv2020: new (options: object) => Judge
}

/** Wrong verdicts are counted and logged with their pair. */
export function run(log: (line: string) => void): Promise<Record<string, unknown>> {
  return Promise.resolve(measure(log))
}

function measure(log: (line: string) => void): Record<string, unknown> {
  const seed = Date.now() % 2 ** 31
  log(`comparing ${pairs} pairs, seed ${seed} …`)
  const values = fc.sample(someValue, { numRuns: pairs + valuesEach, seed })
  const seen = { compatible: 0, incompatible: 0, undecided: 0 }
  const times: number[] = []
  let wrong = 0
  let judged = 0
  let examples = 0
  for (const [at, [older, newer]] of fc.sample(somePair, { numRuns: pairs, seed }).entries()) {
    const [from, to] = [compileSchema(older), compileSchema(newer)]
    if (!from.ok || !to.ok) continue
    const started = performance.now()
    const { result, differences } = compareSchemas(from.schema, to.schema, 'BACKWARD')
    times.push(performance.now() - started)
    seen[result] += 1
    const theirs = new Ajv2020({ strict: false, logger: false })
    const isBreach = (value: unknown): boolean => theirs.validate(older, value) && !theirs.validate(newer, value)
    const misses = result === 'compatible' ? values.slice(at, at + valuesEach).filter(isBreach) : []
    const unreal = differences.filter(
      ({ counterExample }) => !isBreach(counterExample) || !isValid(from.schema, counterExample) || isValid(to.schema, counterExample),
    )
    judged += result === 'compatible' ? valuesEach : 0
    examples += differences.length
    if (misses.length + unreal.length === 0) continue
    wrong += 1
    log(`WRONG (${result}): ${JSON.stringify({ older, newer, misses, unreal })}`)
  }
  times.sort((a, b) => a - b)
  const at = (share: number): number => Number((times[Math.floor(times.length * share)] ?? 0).toFixed(2))
  return {
    ...{ wrong, pairs: times.length, ...seen },
    ...{ documents_judged: judged, counter_examples: examples },
    ...{ p50_ms: at(0.5), p99_ms: at(0.99), max_ms: Number((times.at(-1) ?? 0).toFixed(1)) },
    conditions: { seed, values_each: valuesEach, oracle: 'ajv 8, dialect 2020-12' },
  }
}
