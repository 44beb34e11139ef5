/** What is wrong with an object, as the details of a refusal. */
import type { Finding } from '@mnemos/api'
import { Refusal } from './refusal.ts'

export type Details = NonNullable<Refusal['details']>

const maxDetails = 100

export function detailOf({ field, path, message, suggestion }: Finding): Details[number] {
  return { field, path, message, ...(suggestion === undefined ? {} : { suggestion }) }
}

/** Everything at once. @param what as the beginning of a sentence */
export function invalid(what: string, findings: Details): Refusal {
  const details = findings.slice(0, maxDetails)
  const said = details.map(
    ({ field, message, suggestion }) => `${field ?? ''}: ${message}${suggestion === undefined ? '' : ` (${suggestion})`}`,
  )
  return new Refusal('MNEMOS_INVALID', `${what} is invalid: ${said.join('; ')}`, { details })
}
