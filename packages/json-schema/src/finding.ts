/** What is wrong with a value, or with a schema. */

export interface SchemaFinding {
  /** JSON Pointer of the place in the value (for a schema that does not compile: in the schema); empty for the whole. */
  readonly pointer: string
  /** The keyword that is not satisfied; `bound` when the schema or the value is too large or too costly to judge. */
  readonly keyword: string
  /** JSON Pointer of the keyword's schema in its document. */
  readonly schemaPointer: string
  /** What is wrong, without the name of the place. Never holds a text of the judged value. */
  readonly message: string
  readonly expected?: string
  /** The kind (`string`, `array`, …) or a count; never the value. */
  readonly found?: string
  /** What would be right, as a sentence without a capital or a full stop. */
  readonly suggestion?: string
  /** What keeps the value from the nearest of several alternatives. */
  readonly causes?: readonly SchemaFinding[]
}
