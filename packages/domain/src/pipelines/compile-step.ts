/** A step that was checked, with its expressions and schemas compiled. */
import type { PipelineStep } from '@mnemos/api'
import type { CompiledSchema } from '@mnemos/json-schema'
import { readDocument } from '../schemas/document.ts'
import type { CompiledStep } from './compiled.ts'
import { type Condition, compileCondition } from './condition.ts'
import { typeOf } from './step.ts'

/** @param uses steps whose outputs it names */
export function compileStep(spec: PipelineStep, uses: ReadonlySet<string>): CompiledStep {
  return {
    ...{ name: spec.name, spec, uses },
    // A step that passed the checks has one type.
    type: typeOf(spec) ?? 'gate',
    when: conditionOf(spec.when),
    gate: conditionOf(spec.gate?.expression),
    schemas: new Map((spec.outputs ?? []).flatMap(({ name, schema }) => schemaOf(name, schema))),
  }
}

function conditionOf(text: string | undefined): Condition | undefined {
  if (text === undefined) return undefined
  const condition = compileCondition(text, [])
  return condition.ok ? condition.value : undefined
}

function schemaOf(name: string, schema: unknown): readonly (readonly [string, CompiledSchema])[] {
  if (schema === undefined) return []
  const document = readDocument(schema)
  return document.ok ? [[name, document.schema]] : []
}
