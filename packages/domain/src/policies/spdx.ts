/**
 * SPDX licence expressions, by Annex B of the specification 3.0.1: `AND`, `OR` and `WITH` in all upper or all lower case,
 * everything else whatever its case, `+` for "or any later version", references such as `LicenseRef-acme`.
 */
import exceptionIds from 'spdx-exceptions/index.json' with { type: 'json' }
import parseExpression, { type Info } from 'spdx-expression-parse'
import deprecatedIds from 'spdx-license-ids/deprecated.json' with { type: 'json' }
import licenseIds from 'spdx-license-ids/index.json' with { type: 'json' }
import { fromHubName } from './license-classes.ts'

/** One licence of an expression. */
export interface License {
  /** Identifier as the SPDX list writes it, or `LicenseRef-…`, without a `+`. */
  readonly id: string
  readonly exception?: string
  /** Whether later versions will do, too. */
  readonly orLater: boolean
}

/** What must be fulfilled: all parts, one of them, or a licence. */
export type LicenseTree = { readonly all: readonly LicenseTree[] } | { readonly any: readonly LicenseTree[] } | License

const canonical = new Map([...licenseIds, ...deprecatedIds, ...exceptionIds].map((id) => [id.toLowerCase(), id]))
const operators = new Set(['AND', 'OR', 'WITH'])
const reference = /^(documentref-[a-z0-9.-]+:)?(licenseref|additionref)-([a-z0-9.-]+)$/i

/** The tree of an expression, or undefined for a text that is none. */
export function parseLicense(text: string): LicenseTree | undefined {
  const words = fromHubName(text.trim()).match(/[()]|[^\s()]+/g) ?? []
  if (words.some(isMixedOperator)) return undefined
  try {
    return treeOf(parseExpression(words.map(canonicalWord).join(' ')))
  } catch {
    return undefined
  }
}

/** A licence as an expression. */
export function licenseText({ id, exception, orLater }: License): string {
  return `${id}${orLater ? '+' : ''}${exception === undefined ? '' : ` WITH ${exception}`}`
}

/** The parser is more lenient than the specification. */
function isMixedOperator(word: string): boolean {
  return operators.has(word.toUpperCase()) && word !== word.toUpperCase() && word !== word.toLowerCase()
}

function canonicalWord(word: string): string {
  if (operators.has(word.toUpperCase())) return word.toUpperCase()
  const later = word.endsWith('+')
  const id = later ? word.slice(0, -1) : word
  const [, document = '', kind, name = ''] = reference.exec(id) ?? []
  // The parser knows no other case of the prefixes; the names of references are the same in any case, so they are lowered.
  if (kind !== undefined) return `${document.replace(/^documentref-/i, 'DocumentRef-')}LicenseRef-${name.toLowerCase()}`
  return `${canonical.get(id.toLowerCase()) ?? id}${later ? '+' : ''}`
}

function treeOf(info: Info): LicenseTree {
  if ('conjunction' in info) {
    const parts = [treeOf(info.left), treeOf(info.right)]
    return info.conjunction === 'and' ? { all: parts } : { any: parts }
  }
  return { id: info.license, orLater: info.plus === true, ...(info.exception === undefined ? {} : { exception: info.exception }) }
}
