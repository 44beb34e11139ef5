/** The kinds of personal data that are found, and what a find looks like. Names are those of a Policy's `pii` rule. */

/** Every kind of personal data, in the order of their names in policies. */
export const piiEntityNames = ['Email', 'Phone', 'SSN', 'Card', 'Passport', 'IP', 'IBAN', 'PostalAddress'] as const
export type PiiEntity = (typeof piiEntityNames)[number]

/** One find: where it stands, never what it says. */
export interface PiiMatch {
  readonly entity: PiiEntity
  /** Offset of its first UTF-16 unit in the text as it was given. */
  readonly start: number
  /** Offset after its last UTF-16 unit. */
  readonly end: number
  /** How sure the finder is, from 0 to 1: checksums stand near 1, structure with a word beside it near 0.7. */
  readonly score: number
}
