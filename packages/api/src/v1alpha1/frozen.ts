/** What an update may not do: rules about an object before and after, judged where the value was there before and still is. */
import type { z } from 'zod'
import { type Rule, rule } from '../schema.ts'

export const fence = (transition: string, message: string, fieldPath?: string): Rule => ({
  rule: transition,
  message,
  reason: 'FieldValueForbidden',
  ...(fieldPath === undefined ? {} : { fieldPath }),
})

/** Fields that stay as they were created. @param what to create instead, e.g. `Job` */
export function frozenFieldsOf(what: string): {
  readonly frozen: <S extends z.ZodType>(field: string, schema: S) => S
  /** A frozen field that may be absent may neither come nor go. */
  readonly frozenPresence: (field: string) => Rule
} {
  const message = (field: string): string => `${field} cannot change after creation; create a new ${what} instead`
  return {
    frozen: (field, schema) => rule(schema, fence('self == oldSelf', message(field))),
    frozenPresence: (field) => fence(`has(self.${field}) == has(oldSelf.${field})`, message(field), `.${field}`),
  }
}
