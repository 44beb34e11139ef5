/** What zod says about a value, in the words that users of Kubernetes know, with what would be right. */
import type { z } from 'zod'
import { about, didYouMean, type Finding, type Path } from './finding.ts'
import { limitsOf, shapeOf } from './schema-walk.ts'

/** Values are shown cut: an input may be long, and may be private. */
const maxShown = 40

export function findingOf(issue: z.core.$ZodIssue, path: Path, schema: z.core.$ZodType | undefined, found: unknown): Finding {
  switch (issue.code) {
    case 'invalid_type':
      return found === undefined
        ? about(path, 'required', 'is required', schema === undefined ? undefined : hintOf(schema))
        : {
            ...about(path, 'type', `must be ${articleFor(issue.expected)}, not ${articleFor(typeName(found))}`),
            expected: issue.expected,
            found: typeName(found),
          }
    case 'invalid_value': {
      const values = issue.values.map(String)
      return {
        ...about(
          path,
          'enum',
          `${shown(found)} is not supported`,
          typeof found === 'string' ? didYouMean(found, values) : `use one of ${values.join(', ')}`,
        ),
        expected: values.join(' | '),
        found: shown(found),
      }
    }
    case 'too_big':
    case 'too_small':
      return boundFinding(issue, path, schema, found)
    case 'invalid_format':
      return { ...about(path, 'invalid', `has the wrong form`, formatHint(issue)), found: shown(found) }
    default:
      return about(path, 'invalid', issue.message)
  }
}

function boundFinding(
  issue: z.core.$ZodIssueTooBig | z.core.$ZodIssueTooSmall,
  path: Path,
  schema: z.core.$ZodType | undefined,
  found: unknown,
): Finding {
  const isBig = issue.code === 'too_big'
  const bound = String(isBig ? issue.maximum : issue.minimum)
  if (issue.origin === 'string')
    return {
      ...about(
        path,
        isBig ? 'tooLong' : 'invalid',
        isBig ? `has ${lengthOf(found)} characters; at most ${bound} are allowed` : `must have at least ${bound} characters`,
      ),
      expected: bound,
      found: lengthOf(found),
    }
  if (issue.origin === 'array')
    return {
      ...about(
        path,
        isBig ? 'tooMany' : 'invalid',
        isBig ? `has ${lengthOf(found)} items; at most ${bound} are allowed` : `must have at least ${bound} items`,
      ),
      expected: bound,
      found: lengthOf(found),
    }
  const hint = schema === undefined ? undefined : hintOf(schema)
  return {
    ...about(path, 'outOfRange', `${shown(found)} is ${isBig ? 'more' : 'less'} than ${bound}`, hint),
    expected: `${isBig ? '≤' : '≥'} ${bound}`,
    found: shown(found),
  }
}

/** What a field takes, in a few words. */
function hintOf(schema: z.core.$ZodType): string | undefined {
  const shape = shapeOf(schema)
  if (shape.type === 'enum') return `use one of ${shape.values.join(', ')}`
  if (shape.type !== 'integer' && shape.type !== 'number') return undefined
  const { least, most } = limitsOf(schema)
  if (least === undefined || most === undefined) return undefined
  return `use a ${shape.type === 'integer' ? 'whole number' : 'number'} from ${least} to ${most}`
}

function formatHint(issue: z.core.$ZodIssue): string | undefined {
  if (issue.code !== 'invalid_format') return undefined
  if (issue.format === 'datetime') return 'use RFC 3339, e.g. 2026-01-31T12:00:00Z'
  return 'pattern' in issue && typeof issue.pattern === 'string' ? `it must match ${issue.pattern}` : undefined
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

function articleFor(type: string): string {
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`
}

function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return articleFor(typeName(value))
  const text = typeof value === 'string' ? JSON.stringify(value.slice(0, maxShown)) : String(value)
  return text.length > maxShown ? `${text.slice(0, maxShown)}…` : text
}

function lengthOf(value: unknown): string {
  if (typeof value === 'string') return String(Array.from(value).length)
  return Array.isArray(value) ? String(value.length) : '?'
}
