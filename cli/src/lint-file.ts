/**
 * Judges the text of one file as the API server and the webhook would, without either.
 *
 * Guarantees: every document of the file is judged, every mistake is told at once with its line; documents of other groups
 * are left alone. Pure. The verdict is that of `admit`, as the HTTP API has it; policies and Schemas are those of the context. Stricter than the cluster in one point: an unknown field, which the API server would drop in
 * silence, is a finding here.
 */
import { apiVersion, type Finding, group, judge, kinds } from '@mnemos/api'
import { admit, emptyCatalog, noPolicies, type ReviewContext, readReviewed } from '@mnemos/domain'
import { type Document, isMap, isScalar, LineCounter, type Node, type Pair, parseAllDocuments } from 'yaml'

export interface LintFinding {
  /** 1-based. */
  readonly line: number
  /** Where in the object, e.g. `spec.priority`; empty for the document itself. */
  readonly field: string
  readonly message: string
  readonly suggestion?: string
}

export interface LintReport {
  readonly findings: readonly LintFinding[]
  /** What would be admitted, but not in silence. */
  readonly warnings: readonly LintFinding[]
  /** Objects of ours that were judged. */
  readonly judged: number
}

/** As whom and under which rules a file is judged. */
export interface LintOptions {
  /** Default: no policies and no Schemas. */
  readonly context?: ReviewContext
  /** Of objects that name none. Default `default`. */
  readonly namespace?: string
  readonly user?: string
  readonly groups?: readonly string[]
}

const noRules: ReviewContext = { trustedUsers: new Set(), catalog: emptyCatalog, policies: noPolicies }

/** @param text YAML 1.1 as kubectl reads it, or JSON; several documents are allowed */
export function lintText(text: string, options: LintOptions = {}): LintReport {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter: lines, version: '1.1' })
  const reports = (Array.isArray(documents) ? documents : []).map((document) => lintDocument(document, lines, options))
  return {
    findings: reports.flatMap(({ findings }) => findings),
    warnings: reports.flatMap(({ warnings }) => warnings),
    judged: reports.reduce((sum, { judged }) => sum + judged, 0),
  }
}

function lintDocument(document: Document.Parsed, lines: LineCounter, options: LintOptions): LintReport {
  const [broken] = document.errors
  if (broken !== undefined) {
    const message = broken.message.split('\n')[0] ?? broken.message
    return { findings: [{ line: lines.linePos(broken.pos[0]).line, field: '', message }], warnings: [], judged: 0 }
  }
  const object: unknown = document.toJS()
  if (!isOurs(object)) return { findings: [], warnings: [], judged: 0 }
  const known = kinds.map(({ kind }) => kind)
  const at = (path: string): number => lines.linePos(offsetOf(document, segmentsOf(path))).line
  if (object.apiVersion !== apiVersion) {
    return {
      findings: [{ line: at('/apiVersion'), field: 'apiVersion', message: `${object.apiVersion} does not exist; write ${apiVersion}` }],
      warnings: [],
      judged: 1,
    }
  }
  if (!known.includes(object.kind)) {
    const message = `${object.kind} is no kind of ${group}; the kinds are ${known.join(', ')}`
    return { findings: [{ line: at('/kind'), field: 'kind', message }], warnings: [], judged: 1 }
  }
  const told = judged(object, options)
  const findings = told.findings.map((finding) => ({
    line: at(finding.path),
    field: finding.field,
    message: finding.message,
    ...(finding.suggestion === undefined ? {} : { suggestion: finding.suggestion }),
  }))
  const warnings = told.warnings.map((message) => ({ line: at(''), field: '', message }))
  return { findings: findings.sort((a, b) => a.line - b.line), warnings, judged: 1 }
}

interface Envelope {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name?: string; readonly namespace?: string }
  readonly spec?: unknown
}

/** What admission says, then what only the schema says (unknown fields), each place once. */
function judged(
  object: Envelope,
  { context = noRules, namespace = 'default', user = '', groups = [] }: LintOptions,
): { readonly findings: readonly Finding[]; readonly warnings: readonly string[] } {
  const isNamespaced = kinds.find(({ kind }) => kind === object.kind)?.scope === 'Namespaced'
  const verdict = admit(
    {
      operation: 'CREATE',
      ...{ group, kind: object.kind, groups, userName: user },
      namespace: isNamespaced ? (object.metadata.namespace ?? namespace) : undefined,
      object: readReviewed(object),
    },
    context,
  )
  const schema = judge(object.kind, object).filter((finding) => !verdict.findings.some(({ path }) => path === finding.path))
  return { findings: [...verdict.findings, ...schema], warnings: verdict.warnings }
}

function isOurs(object: unknown): object is Envelope {
  if (typeof object !== 'object' || object === null || !('apiVersion' in object) || !('kind' in object)) return false
  const { apiVersion: version, kind } = object
  const hasMetadata = 'metadata' in object && typeof object.metadata === 'object' && object.metadata !== null
  return typeof version === 'string' && typeof kind === 'string' && version.startsWith(`${group}/`) && hasMetadata
}

/** The parts of a JSON Pointer (RFC 6901). */
function segmentsOf(path: string): string[] {
  return path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** Where a field stands in the text: its key, or the nearest parent that is written down. */
function offsetOf(document: Document.Parsed, path: readonly string[]): number {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const key = path[depth - 1] ?? ''
    const parent = depth === 1 ? document.contents : (document.getIn(path.slice(0, depth - 1), true) as Node | undefined) // getIn with true returns nodes
    if (isMap(parent)) {
      const pair = parent.items.find((item: Pair) => isScalar(item.key) && String(item.key.value) === key)
      if (pair !== undefined && isScalar(pair.key) && pair.key.range) return pair.key.range[0]
    } else if (parent !== undefined) {
      const item = document.getIn(path.slice(0, depth), true) as Node | undefined // as above
      if (item?.range) return item.range[0]
    }
  }
  return document.contents?.range[0] ?? 0
}
