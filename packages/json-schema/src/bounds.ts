/** How large a schema, a judged value and the work of judging may be. Whatever is beyond is a finding, never a long wait. */

export interface SchemaBounds {
  /** Bytes of the schema document, roughly as JSON; default 256 KiB. */
  readonly maxBytes: number
  /** Nesting of the schema document, and of references that stay at one place of a value; default 64. */
  readonly maxDepth: number
  /** Values in the schema document, default 20,000. */
  readonly maxNodes: number
  /** `$ref` and `$dynamicRef` in all, default 2,000. */
  readonly maxReferences: number
  /** Characters of one pattern, default 1,024. */
  readonly maxPatternLength: number
  /** Bytes of a judged value, default 8 MiB. */
  readonly maxValueBytes: number
  /** Nesting of a judged value, default 128. */
  readonly maxValueDepth: number
  /** Values within a judged value, default 200,000. */
  readonly maxValueNodes: number
  /** Steps of one evaluation, default 2,000,000 (some tenths of a second). */
  readonly maxSteps: number
  /** Findings of one evaluation, default 100. */
  readonly maxFindings: number
}

export const defaultBounds: SchemaBounds = {
  maxBytes: 256 * 1024,
  maxDepth: 64,
  maxNodes: 20_000,
  maxReferences: 2000,
  maxPatternLength: 1024,
  maxValueBytes: 8 * 1024 * 1024,
  maxValueDepth: 128,
  maxValueNodes: 200_000,
  maxSteps: 2_000_000,
  maxFindings: 100,
}
