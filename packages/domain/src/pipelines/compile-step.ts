/** A step that was checked, with its expressions and schemas compiled. */
import type { PipelineStep } from '@mnemos/api'
import type { CompiledSchema } from '@mnemos/json-schema'
import { readDocument } from '../schemas/document.ts'
import type { CompiledStep } from './compiled.ts'
import { type Condition, compileCondition } from './condition.ts'
import { typeOf } from './step.ts'
import { isValue } from './step-work.ts'

/** @param uses steps whose outputs it names */
export function compileStep(spec: PipelineStep, uses: ReadonlySet<string>): CompiledStep {
  return {
    ...{ name: spec.name, spec, uses },
    // A step that passed the checks has one type.
    type: typeOf(spec) ?? 'gate',
    when: conditionOf(spec.when),
    gate: conditionOf(spec.gate?.expression),
    schemas: new Map(
      (spec.outputs ?? []).filter((output) => isKnownValue(spec, output)).flatMap(({ name, schema }) => schemaOf(name, schema)),
    ),
  }
}

/** Of a file whose content is not read only its place is known here: it was judged where it is stored. */
function isKnownValue({ container }: PipelineStep, { mediaType }: NonNullable<PipelineStep['outputs']>[number]): boolean {
  return container === undefined || isValue(mediaType)
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
