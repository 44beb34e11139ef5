/** Whether what a step left behind is what the pipeline says of it. Files were checked where they were stored. */
import { judgeByDocument } from '../schemas/document.ts'
import type { CompiledStep } from './compiled.ts'

/** What is wrong, without the value; undefined when nothing is, or the value is not known here. */
export function brokenOutput({ spec, schemas }: CompiledStep, outputs: Readonly<Record<string, unknown>>): string | undefined {
  for (const [name, schema] of schemas) {
    if (!Object.hasOwn(outputs, name)) continue
    const value = outputs[name]
    for (const [place, each] of (spec.forEach === undefined ? [value] : (value as readonly unknown[])).entries()) {
      const [finding] = spec.forEach !== undefined && each === null ? [] : judgeByDocument(schema, each)
      const where = spec.forEach === undefined ? '' : ` of item ${place}`
      if (finding !== undefined)
        return `output ${name}${where} is not what its schema says: ${finding.pointer === '' ? '' : `${finding.pointer} `}${finding.message}`
    }
  }
  return undefined
}
