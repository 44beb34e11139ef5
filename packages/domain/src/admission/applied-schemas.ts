/**
 * Objects judged by the Schemas that apply to them: the same for every kind, on creation and on change.
 *
 * Guarantees: fails closed: while the Schemas of the cluster are not known, and when one that is enforced cannot be judged by,
 * what it applies to is refused. A change is refused only for what it makes wrong. Schemas themselves are never judged by
 * Schemas, so that a mistake in one can always be corrected.
 */
import { type Finding, schemaKind } from '@mnemos/api'
import { fieldOf } from '../reading.ts'
import type { AppliedSchema } from '../schemas/applied.ts'
import { judgeByDocument } from '../schemas/document.ts'
import { asFindings } from '../schemas/findings.ts'
import type { Catalog } from './catalog.ts'
import type { ReviewedObject, ReviewRequest } from './verdict.ts'

/** Findings by enforced Schemas. */
export function appliedFindings(request: ReviewRequest, catalog: Catalog): readonly Finding[] {
  const schemas = schemasFor(request, catalog)
  return schemas === undefined ? [unknownFinding] : byMode(request, schemas, 'Enforce')
}

/** The same by those that only warn. */
export function appliedWarnings(request: ReviewRequest, catalog: Catalog): readonly string[] {
  return byMode(request, schemasFor(request, catalog) ?? [], 'Warn').map(
    ({ field, message, suggestion }) =>
      `${field === '' ? 'the object' : field} ${message}${suggestion === undefined ? '' : `; ${suggestion}`}`,
  )
}

function schemasFor({ kind }: ReviewRequest, catalog: Catalog): readonly AppliedSchema[] | undefined {
  return kind === schemaKind.kind ? [] : catalog.schemas(kind)
}

const unknownFinding: Finding = {
  path: '',
  field: '',
  code: 'invalid',
  message: 'cannot be judged: the Schemas of this cluster have not been read yet',
  suggestion: 'try again in a moment',
}

function byMode(request: ReviewRequest, schemas: readonly AppliedSchema[], mode: AppliedSchema['mode']): readonly Finding[] {
  return schemas.filter((schema) => schema.mode === mode).flatMap((schema) => newOnly(request, schema))
}

function newOnly({ kind, object, oldObject }: ReviewRequest, schema: AppliedSchema): readonly Finding[] {
  const found = bySchema(kind, object, schema)
  if (found.length === 0 || oldObject === undefined) return found
  const before = new Set(bySchema(kind, oldObject, schema).map(({ path, code, message }) => JSON.stringify([path, code, message])))
  return found.filter(({ path, code, message }) => !before.has(JSON.stringify([path, code, message])))
}

function bySchema(kind: string, object: ReviewedObject | undefined, { name, appliesTo, schema }: AppliedSchema): readonly Finding[] {
  return appliesTo
    .filter((target) => target.kind === kind && isOfFamily(object, target.families))
    .flatMap(({ at }): readonly Finding[] => {
      const part = partOf(object, at)
      if (part === undefined) return []
      if (schema === undefined) {
        const message = `cannot be judged: the document of Schema ${name} does not compile`
        return [{ path: at, field: '', code: 'invalid', message, suggestion: 'correct the Schema, or set its mode to Off' }]
      }
      return asFindings(judgeByDocument(schema, part), at, (message) => `${message} (Schema ${name})`)
    })
}

function isOfFamily(object: ReviewedObject | undefined, families: readonly string[] | undefined): boolean {
  if (families === undefined) return true
  const family = fieldOf(object?.spec, 'family')
  return families.some((each) => each === family)
}

function partOf(object: ReviewedObject | undefined, at: string): unknown {
  const keys = at.split('/').slice(1)
  return keys.reduce<unknown>((value, key) => fieldOf(value, key.replaceAll('~1', '/').replaceAll('~0', '~')), object)
}
