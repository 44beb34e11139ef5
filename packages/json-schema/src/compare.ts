/**
 * Whether documents of one schema stay valid under another.
 *
 * Guarantees: `compatible` is proved; each difference of `incompatible` comes with a document that one schema accepts and
 * the other refuses, both judged before it is shown. What is neither is `undecided` and says which keywords kept it from
 * being proved. Bounded in work, whatever the schemas.
 */
import type { CompiledSchema } from './compile.ts'
import { evaluate } from './evaluate.ts'
import type { SchemaFinding } from './finding.ts'
import { canonical } from './json.ts'
import { type Unproved, unprovedOf } from './prove.ts'
import { samplesNear } from './sample.ts'
import { shrunk } from './shrink.ts'

export const compatibilityModes = [
  'NONE',
  'BACKWARD',
  'FORWARD',
  'FULL',
  'BACKWARD_TRANSITIVE',
  'FORWARD_TRANSITIVE',
  'FULL_TRANSITIVE',
] as const

/**
 * `BACKWARD`: documents of the older version are valid under the newer; `FORWARD`: the other way round; `FULL`: both. The
 * transitive modes ask it of all earlier versions, the others of the last.
 */
export type CompatibilityMode = (typeof compatibilityModes)[number]

export type Direction = 'BACKWARD' | 'FORWARD'

/** One thing that a document may have under one schema and not under the other. */
export interface Difference {
  readonly direction: Direction
  /** JSON Pointer into the document. */
  readonly pointer: string
  /** JSON Pointer of the refusing schema's place. */
  readonly schemaPointer: string
  readonly keyword: string
  /** What changed, as a sentence without a full stop. */
  readonly message: string
  /** Accepted by the one schema and refused by the other. */
  readonly counterExample: unknown
}

/** A keyword that could neither be proved nor disproved. */
export interface Doubt {
  readonly direction: Direction
  /** JSON Pointer into a document; `*` stands for any name or index. */
  readonly pointer: string
  readonly schemaPointer: string
  readonly keyword: string
  readonly message: string
}

export interface Comparison {
  readonly result: 'compatible' | 'incompatible' | 'undecided'
  readonly differences: readonly Difference[]
  /** Empty unless `undecided`. */
  readonly doubts: readonly Doubt[]
}

const maxDifferences = 20
const maxDoubts = 10
const maxShrinking = 2000

/**
 * Compares one version with the next; the transitive modes count like the plain ones.
 * @param effort share of the usual work (under a second whatever the schemas), above 0; default 1
 */
export function compareSchemas(older: CompiledSchema, newer: CompiledSchema, mode: CompatibilityMode, effort = 1): Comparison {
  const directions = directionsOf(mode)
  const parts = directions.map((direction) =>
    direction === 'BACKWARD' ? oneWay(older, newer, { direction, effort }) : oneWay(newer, older, { direction, effort }),
  )
  const differences = parts.flatMap((part) => part.differences).slice(0, maxDifferences)
  const doubts = parts.flatMap((part) => part.doubts).slice(0, maxDoubts)
  if (differences.length > 0) return { result: 'incompatible', differences, doubts: [] }
  return { result: doubts.length === 0 ? 'compatible' : 'undecided', differences, doubts }
}

/** What a mode asks for. */
export function directionsOf(mode: CompatibilityMode): readonly Direction[] {
  if (mode === 'NONE') return []
  if (mode.startsWith('FULL')) return ['BACKWARD', 'FORWARD']
  return [mode.startsWith('BACKWARD') ? 'BACKWARD' : 'FORWARD']
}

/** Whether a mode asks for all earlier versions and not only for the last. */
export function isTransitive(mode: CompatibilityMode): boolean {
  return mode.endsWith('_TRANSITIVE')
}

interface Asked {
  readonly direction: Direction
  readonly effort: number
}

/** Whether everything that `from` accepts is accepted by `to`. */
function oneWay(from: CompiledSchema, to: CompiledSchema, asked: Asked): Pick<Comparison, 'differences' | 'doubts'> {
  const unproved = unprovedOf(from, to, asked.effort)
  if (unproved.length === 0) return { differences: [], doubts: [] }
  const differences = differencesOf(from, to, asked)
  return { differences, doubts: differences.length > 0 ? [] : unproved.map((each) => doubtOf(each, asked.direction)) }
}

function differencesOf(from: CompiledSchema, to: CompiledSchema, { direction, effort }: Asked): readonly Difference[] {
  const found = new Map<string, { difference: Difference; size: number; findings: number }>()
  for (const document of samplesNear(from, to, effort)) {
    const findings = evaluate(to, document)
    // A bound of ours is no property of the schema.
    if (findings.some(({ keyword }) => keyword === 'bound')) continue
    const size = canonical(document).length
    for (const finding of findings) {
      const key = `${finding.schemaPointer} ${finding.keyword} ${finding.keyword === 'required' ? finding.pointer : ''}`
      const before = found.get(key)
      // The document that shows one thing alone, and the shortest of those.
      if (before !== undefined && (before.findings < findings.length || (before.findings === findings.length && before.size <= size)))
        continue
      found.set(key, { difference: differenceOf(finding, direction, document), size, findings: findings.length })
    }
  }
  const tries = Math.ceil((maxShrinking * effort) / Math.max(1, found.size))
  return [...found.values()]
    .slice(0, maxDifferences)
    .map(({ difference }) => ({ ...difference, counterExample: shrunk(difference.counterExample, showsSame(from, to, difference), tries) }))
    .sort((a, b) => (a.pointer < b.pointer ? -1 : a.pointer > b.pointer ? 1 : 0))
}

/** Whether a document shows the same difference, and nothing else. */
function showsSame(
  from: CompiledSchema,
  to: CompiledSchema,
  { pointer, schemaPointer, keyword }: Difference,
): (document: unknown) => boolean {
  return (document) => {
    if (evaluate(from, document).length > 0) return false
    const findings = evaluate(to, document)
    const [first] = findings
    return findings.length === 1 && first?.pointer === pointer && first.schemaPointer === schemaPointer && first.keyword === keyword
  }
}

function differenceOf(finding: SchemaFinding, direction: Direction, document: unknown): Difference {
  const { pointer, schemaPointer, keyword, message } = finding
  const [strict, free] = direction === 'BACKWARD' ? ['newer', 'older'] : ['older', 'newer']
  const why = finding.causes?.[0]
  const cause = why === undefined ? '' : ` (nearest: ${why.pointer === '' ? 'the whole' : why.pointer} ${why.message})`
  return {
    ...{ direction, pointer, schemaPointer, keyword },
    message: `${pointer === '' ? 'the whole' : pointer} ${message}${cause} in the ${strict} version, which the ${free} one does not ask`,
    counterExample: document,
  }
}

function doubtOf({ pointer, node, keyword }: Unproved, direction: Direction): Doubt {
  const what =
    keyword === ''
      ? 'the schemas are too large or too deep to be compared'
      : `"${keyword}" could neither be proved to hold nor be disproved`
  return { direction, pointer, schemaPointer: node.pointer, keyword, message: `${what}, by way of the schema at "${node.pointer}"` }
}
