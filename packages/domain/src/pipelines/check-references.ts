/**
 * What the references and conditions of a step name: parameters, outputs and items that there are, of a sort that fits, and so the edges of the
 * graph that nobody wrote down in `dependsOn`.
 */
import { about, type Finding, type Path } from '@mnemos/api'
import { nearest } from '../admission/nearest.ts'
import { type Condition, compileCondition } from './condition.ts'
import type { WrittenEdge } from './graph.ts'
import type { ParameterType } from './parameters.ts'
import { piecesOf, type Reference } from './reference.ts'
import type { ReadStep } from './step.ts'
import { referencesIn } from './substitute.ts'

/** What there is to name. */
export interface Named {
  readonly params: ReadonlyMap<string, ParameterType>
  readonly steps: ReadonlyMap<string, ReadStep>
  /** What was most likely meant. */
  readonly meant: (name: string, known: readonly string[]) => string | undefined
}

/** Most names for which a nearer one is looked for: that takes time, and who has more mistakes sees the first of them. */
const maxMeant = 100

/** Looks for what was meant, so many times and no more. */
export function meantOf(): Named['meant'] {
  let left = maxMeant
  return (name, known) => {
    left -= 1
    return left < 0 ? undefined : nearest(name, known)
  }
}

export interface CheckedReferences {
  readonly findings: readonly Finding[]
  /** Whom the step waits for because of what it names. */
  readonly edges: readonly WrittenEdge[]
}

export function checkStep(step: ReadStep, named: Named): CheckedReferences {
  const hasItem = step.forEach !== undefined
  const parts = [
    ...step.texts.map(({ value, path }) => checkTexts(value, path, named, hasItem)),
    ...(step.forEach === undefined ? [] : [checkItems(step.forEach, named)]),
    ...(step.when === undefined ? [] : [checkCondition(step.when, [...step.path, 'when'], named)]),
    ...(step.gate === undefined ? [] : [checkCondition(step.gate, [...step.path, 'gate', 'expression'], named)]),
  ]
  return { findings: parts.flatMap(({ findings }) => findings), edges: parts.flatMap(({ edges }) => edges) }
}

/** Every reference in a value. @param hasItem whether there is an item to name */
export function checkTexts(value: unknown, at: Path, named: Named, hasItem: boolean): CheckedReferences {
  const parts = referencesIn(value, at).map(({ path, piece }): CheckedReferences => {
    if ('mistake' in piece) return { findings: [about(path, 'invalid', `${piece.written} ${piece.mistake}`)], edges: [] }
    return checkReference(piece.reference, piece.written, path, named, hasItem)
  })
  return { findings: parts.flatMap(({ findings }) => findings), edges: parts.flatMap(({ edges }) => edges) }
}

function checkReference(
  reference: Reference,
  written: string,
  path: Path,
  { params, steps, meant }: Named,
  hasItem: boolean,
): CheckedReferences {
  switch (reference.from) {
    case 'run':
      return { findings: [], edges: [] }
    case 'item':
      return {
        findings: hasItem
          ? []
          : [about(path, 'invalid', `${written} is of a step with forEach alone`, 'give the step a forEach, or name a parameter')],
        edges: [],
      }
    case 'params':
      return {
        findings: params.has(reference.name)
          ? []
          : [unknown(path, `${written} names no parameter of the pipeline`, { name: reference.name, known: [...params.keys()], meant })],
        edges: [],
      }
    case 'steps':
      // A step that there is not is the graph's to tell.
      return {
        findings: outputFindings(reference, path, written, { step: steps.get(reference.step), meant }),
        edges: [{ on: reference.step, path, uses: true }],
      }
  }
}

interface NamedOutput {
  readonly part: 'outputs' | 'artifacts'
  readonly output: string
}

function outputFindings(
  { part, output }: NamedOutput,
  path: Path,
  written: string,
  { step, meant }: { readonly step: ReadStep | undefined; readonly meant: Named['meant'] },
): readonly Finding[] {
  const known = step?.[part]
  if (step === undefined || known === undefined || known.includes(output)) return []
  const message = `${written} names no ${part === 'outputs' ? 'output' : 'artifact'} of step "${step.name}"`
  return [unknown(path, message, { name: output, known, meant })]
}

function unknown(
  path: Path,
  message: string,
  { name, known, meant }: { readonly name: string; readonly known: readonly string[]; readonly meant: Named['meant'] },
): Finding {
  const near = meant(name, known)
  if (near !== undefined) return about(path, 'invalid', message, `did you mean "${near}"?`)
  return about(path, 'invalid', message, known.length === 0 ? 'there are none' : `there are ${known.slice(0, 16).join(', ')}`)
}

/** A condition that looks at nothing is as it is. */
function isNever({ evaluate, params, steps, looksAtNothing }: Condition): boolean {
  return looksAtNothing && params.length === 0 && steps.length === 0 && evaluate({}) === false
}

/** Items are a list as it stands, or one reference to what is a list. */
function checkItems({ items, path }: NonNullable<ReadStep['forEach']>, named: Named): CheckedReferences {
  const checked = checkTexts(items, path, named, false)
  if (typeof items !== 'string' || checked.findings.length > 0) return checked
  const pieces = piecesOf(items)
  const [only] = pieces
  const whole = only !== undefined && pieces.length === 1 && 'reference' in only ? only.reference : undefined
  return isList(whole, named)
    ? checked
    : { ...checked, findings: [about(path, 'type', 'is no list', 'write a list, or one reference to a list')] }
}

function isList(reference: Reference | undefined, { params, steps }: Named): boolean {
  if (reference === undefined || reference.from === 'run' || reference.from === 'item') return false
  // What is within a value is known only when it is there.
  if (reference.field.length > 0) return true
  if (reference.from === 'params') return params.get(reference.name) === 'list'
  const step = steps.get(reference.step)
  if (step === undefined || step.outputs === undefined || step.forEach !== undefined) return true
  // The content of a file is known only when it is there.
  return step.type === 'container' && reference.part === 'outputs' && reference.output !== 'exitCode'
}

function checkCondition(text: string, path: Path, { params, steps, meant }: Named): CheckedReferences {
  const condition = compileCondition(text, path)
  if (!condition.ok)
    return { findings: condition.problems.map((problem) => about(problem.path, 'invalid', problem.message, problem.suggestion)), edges: [] }
  const { outputs, params: named, steps: looked } = condition.value
  const findings = [
    ...named.flatMap((name) =>
      params.has(name) ? [] : [unknown(path, `params.${name} is no parameter of the pipeline`, { name, known: [...params.keys()], meant })],
    ),
    ...outputs.flatMap(({ step, output }) =>
      output === undefined
        ? []
        : outputFindings({ part: 'outputs', output }, path, `steps.${step}.outputs.${output}`, { step: steps.get(step), meant }),
    ),
  ]
  const never = isNever(condition.value)
  if (never) findings.push(about(path, 'invalid', 'is never true, so that the step is never reached', 'take the step out, or correct this'))
  const used = new Set(outputs.map(({ step }) => step))
  return { findings, edges: looked.map((step) => ({ on: step, path, uses: used.has(step) })) }
}
