/** Findings of a document's judgement as findings about an object, with the Schema's name. */
import type { Finding, FindingCode } from '@mnemos/api'
import type { SchemaFinding } from '@mnemos/json-schema'

const codes: Readonly<Record<string, FindingCode>> = {
  ...{ required: 'required', dependentRequired: 'required', enum: 'enum', const: 'enum', type: 'type' },
  ...{ additionalProperties: 'unknownField', unevaluatedProperties: 'unknownField', uniqueItems: 'duplicate' },
  ...{ maxLength: 'tooLong', maxItems: 'tooMany', maxProperties: 'tooMany' },
  ...{
    minimum: 'outOfRange',
    maximum: 'outOfRange',
    exclusiveMinimum: 'outOfRange',
    exclusiveMaximum: 'outOfRange',
    multipleOf: 'outOfRange',
  },
}

/**
 * Each finding and, behind it, what keeps the value from the nearest alternative.
 * @param at JSON Pointer of the judged part
 */
export function asFindings(found: readonly SchemaFinding[], at: string, said: (message: string) => string): readonly Finding[] {
  return found.flatMap((finding) => [asFinding(finding, at, said), ...asFindings(finding.causes ?? [], at, said)])
}

function asFinding(
  { pointer, keyword, message, expected, found, suggestion }: SchemaFinding,
  at: string,
  said: (message: string) => string,
): Finding {
  const path = at + pointer
  return {
    path,
    field: fieldOfPointer(path),
    code: (Object.hasOwn(codes, keyword) ? codes[keyword] : undefined) ?? 'invalid',
    message: said(message),
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
    ...(suggestion === undefined ? {} : { suggestion }),
  }
}

/** `/spec/dependsOn/0` as the API server writes it: `spec.dependsOn[0]`. */
export function fieldOfPointer(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((key, at) => (/^\d+$/.test(key) ? `[${key}]` : `${at === 0 ? '' : '.'}${key.replaceAll('~1', '/').replaceAll('~0', '~')}`))
    .join('')
}
