export { defaultBounds, type SchemaBounds } from './bounds.ts'
export {
  type Comparison,
  type CompatibilityMode,
  compareSchemas,
  compatibilityModes,
  type Difference,
  type Direction,
  type Doubt,
  directionsOf,
  isTransitive,
} from './compare.ts'
export { type Compilation, type CompiledSchema, type CompileOptions, compileSchema, dialect } from './compile.ts'
export { evaluate, isValid } from './evaluate.ts'
export type { SchemaFinding } from './finding.ts'
export { type FormatCheck, formatChecks } from './format.ts'
export { type Pattern, type PatternMistake, readPattern } from './pattern.ts'
