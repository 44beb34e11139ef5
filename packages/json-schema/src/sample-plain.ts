/** Numbers and texts near the bounds of schemas. */
import { lengthOf } from './json.ts'
import type { SchemaNode } from './node.ts'
import { samplesOf } from './pattern-sample.ts'
import type { Shape } from './shape.ts'
import { least, most } from './shape-parts.ts'

const bounds = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'] as const
const lengths = ['minLength', 'maxLength'] as const
const maxLengthTried = 5000

/** Numbers at, just above and just below every bound, and multiples of every step. */
export function numbersNear({ nodes, isInteger }: Shape, near: readonly SchemaNode[]): readonly number[] {
  const all = [...nodes, ...near]
  const stated = all.flatMap((node) => bounds.map((bound) => node[bound])).filter((bound) => bound !== undefined)
  const steps = all.flatMap(({ multipleOf }) => (multipleOf === undefined ? [] : [multipleOf]))
  const around = [...new Set([...stated, 0, 1])].flatMap((bound) => [
    bound,
    bound + 1,
    bound - 1,
    bound + 0.5,
    bound - 0.5,
    bound + 0.001,
    bound - 0.001,
  ])
  const multiples = steps.flatMap((step) =>
    [0, ...stated].flatMap((from) => {
      const first = Math.ceil(from / step)
      return [first - 1, first, first + 1, first + 2, first + 3].map((times) => Number((times * step).toPrecision(12)))
    }),
  )
  const found = new Set([...around, ...multiples].map((value) => Number(value.toPrecision(15))).filter(Number.isFinite))
  return [...found].filter((value) => !isInteger || Number.isInteger(value))
}

/** Texts of every length that is named, that match every pattern, and of every format. */
export function textsNear({ nodes }: Shape, near: readonly SchemaNode[]): readonly string[] {
  const all = [...nodes, ...near]
  const shortest = Math.max(0, most(nodes, 'minLength'))
  const longest = least(nodes, 'maxLength')
  const matching = all.flatMap(({ pattern }) => (pattern === undefined ? [] : samplesOf(pattern)))
  const formatted = all.flatMap(({ format }) => (format === undefined ? [] : (formatSamples[format.name] ?? [])))
  const named = all.flatMap((node) => lengths.map((length) => node[length])).filter((length) => length !== undefined)
  const wanted = new Set([shortest, 1, ...named, ...named.map((length) => length - 1), ...named.map((length) => length + 1)])
  const fitting = [...wanted].filter((length) => length >= shortest && length <= longest && length <= maxLengthTried)
  const plain = fitting.sort((a, b) => a - b).map((length) => 'a'.repeat(length))
  const sized = matching.flatMap((text) =>
    fitting.map((length) =>
      lengthOf(text) < length ? text + (text.at(-1) ?? 'a').repeat(length - lengthOf(text)) : text.slice(0, length),
    ),
  )
  return [...new Set([...matching, ...formatted, ...plain, ...sized, 'a', 'A', '0', ' ', '-', 'é', ''])]
}

const formatSamples: Readonly<Record<string, readonly string[]>> = {
  'date-time': ['2026-01-02T03:04:05Z'],
  date: ['2026-01-02'],
  time: ['03:04:05Z'],
  duration: ['P1D'],
  email: ['a@example.com'],
  hostname: ['example.com'],
  ipv4: ['192.0.2.1'],
  ipv6: ['2001:db8::1'],
  uri: ['https://example.com/a'],
  'uri-reference': ['/a'],
  uuid: ['123e4567-e89b-42d3-a456-426614174000'],
  'json-pointer': ['/a'],
  regex: ['^a$'],
}
