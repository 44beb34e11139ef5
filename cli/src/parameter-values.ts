/**
 * What a run is given, from words on the command line: `-p key=value` by the declared type of the parameter, a file, folders of files.
 *
 * Pure. Guarantees that everything that is wrong is told at once, before anything is sent, and that no value is repeated: it may be a prompt.
 */
import type { Finding } from '@mnemos/api'
import { nearest, type OutlineStep, type ParameterDeclaration, type ParameterValues, parameterValues } from '@mnemos/domain'
import { parse } from 'yaml'
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'

export interface Given {
  /** `key=value`, in the order in which they were written. */
  readonly pairs: readonly string[]
  /** Of a file; a pair wins over it. */
  readonly fromFile?: ParameterValues
  /** Lists of files that are uploaded, by parameter. */
  readonly files?: ParameterValues
}

/** The parameters that a run is created with. @throws CliError that names every parameter that is wrong */
export function readParameters(
  declarations: readonly ParameterDeclaration[],
  { pairs, fromFile = {}, files = {} }: Given,
): ParameterValues {
  const words = new Map<string, string[]>()
  for (const pair of pairs) {
    const { key, value } = splitPair(pair, '-p', 'key=value')
    words.set(key, [...(words.get(key) ?? []), value])
  }
  const problems: string[] = []
  const read = [...words].flatMap(([key, values]): readonly [string, unknown][] => {
    const declared = declarations.find(({ name }) => name === key)
    // One that there is not is told below, with those that there are.
    const value = declared === undefined ? { value: values[0] } : readValue(declared, values)
    if ('problem' in value) problems.push(`${key}: ${value.problem}`)
    return 'problem' in value ? [] : [[key, value.value]]
  })
  const given = { ...fromFile, ...files, ...Object.fromEntries(read) }
  const misread = new Set(problems.map((problem) => problem.slice(0, problem.indexOf(':'))))
  const judged = parameterValues(
    declarations.filter(({ name }) => !misread.has(name)),
    Object.fromEntries(Object.entries(given).filter(([name]) => !misread.has(name))),
    [],
  )
  const details = [...problems, ...('findings' in judged ? judged.findings.map(findingLine) : [])]
  if (details.length === 0) return given
  throw new CliError('the parameters are not those that the pipeline takes', { code: 'MNEMOS_USAGE', details, exitCode: exitCodes.usage })
}

function findingLine({ field, message, suggestion }: Finding): string {
  const advice = suggestion === 'give it in spec.parameters' ? `give it with -p ${field}=VALUE` : suggestion
  return `${field}: ${message}${advice === undefined ? '' : `; ${advice}`}`
}

type Read = { readonly value: unknown } | { readonly problem: string }

function readValue({ type }: ParameterDeclaration, values: readonly string[]): Read {
  const [first = '', ...others] = values
  if (type === 'list') return readList(values)
  if (others.length > 0) return { problem: `is given ${values.length} times; only a list is` }
  switch (type) {
    case 'string':
      return { value: first }
    case 'boolean':
      return first === 'true' || first === 'false' ? { value: first === 'true' } : { problem: 'must be true or false' }
    case 'number':
    case 'integer':
      return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(first)
        ? { value: Number(first) }
        : { problem: `must be ${type === 'integer' ? 'an integer' : 'a number'}` }
    case 'object': {
      const value = readYaml(first)
      return isRecord(value) ? { value } : { problem: 'must be an object, as JSON or YAML, e.g. {"a": 1}' }
    }
  }
}

/** One text that is a list, or one item after the other; an item is JSON where it reads as such, otherwise the text itself. */
function readList(values: readonly string[]): Read {
  const [first = ''] = values
  if (values.length === 1 && /^\s*(\[|- )/.test(first)) {
    const value = readYaml(first)
    return Array.isArray(value) ? { value } : { problem: 'begins like a list and is none; write JSON, or repeat -p for each item' }
  }
  return { value: values.map(readItem) }
}

function readItem(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function readYaml(text: string): unknown {
  try {
    return parse(text)
  } catch {
    return undefined
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @throws CliError for what has no `=`, or nothing before it */
export function splitPair(pair: string, flag: string, form: string): { readonly key: string; readonly value: string } {
  const at = pair.indexOf('=')
  if (at > 0) return { key: pair.slice(0, at), value: pair.slice(at + 1) }
  throw new CliError(`${flag} is written ${form}`, { code: 'MNEMOS_USAGE', exitCode: exitCodes.usage, hint: 'mnemos pipelines run --help' })
}

export interface StepOverride {
  readonly step: string
  readonly image?: string
  readonly modelRef?: { readonly name: string; readonly namespace?: string }
}

/** `--override step=image` and `--model step=MODEL`, together. @throws CliError for a step that there is not, or that is of another type */
export function readOverrides(
  steps: readonly OutlineStep[],
  { images, models }: { readonly images: readonly string[]; readonly models: readonly string[] },
): readonly StepOverride[] {
  const found = new Map<string, StepOverride>()
  const details: string[] = []
  const add = (pair: string, flag: string, type: string, change: (value: string) => Omit<StepOverride, 'step'>): void => {
    const { key, value } = splitPair(pair, flag, `step=${type === 'container' ? 'image' : 'MODEL'}`)
    const problem = stepProblem(steps, key, type)
    if (problem === undefined) found.set(key, { ...found.get(key), step: key, ...change(value) })
    else details.push(`${flag} ${key}: ${problem}`)
  }
  for (const pair of images) add(pair, '--override', 'container', (image) => ({ image }))
  for (const pair of models) add(pair, '--model', 'inference', (model) => ({ modelRef: modelReference(model) }))
  if (details.length === 0) return [...found.values()]
  throw new CliError('steps cannot be changed like that', { code: 'MNEMOS_USAGE', details, exitCode: exitCodes.usage })
}

/** @throws CliError for steps that there are not */
export function checkSteps(steps: readonly OutlineStep[], names: readonly string[], flag: string): void {
  const details = names.flatMap((name) => {
    const problem = stepProblem(steps, name)
    return problem === undefined ? [] : [`${flag} ${name}: ${problem}`]
  })
  if (details.length > 0) throw new CliError('the pipeline has no such step', { code: 'MNEMOS_USAGE', details, exitCode: exitCodes.usage })
}

function stepProblem(steps: readonly OutlineStep[], name: string, type?: string): string | undefined {
  const step = steps.find((each) => each.name === name)
  if (step !== undefined && type === undefined) return undefined
  if (step !== undefined) return step.type === type ? undefined : `is of type ${step.type}, and only ${type ?? ''} steps have that`
  const names = steps.map((each) => each.name)
  const meant = nearest(name, names)
  return `the pipeline has no such step; ${meant === undefined ? `it has ${names.slice(0, 16).join(', ')}` : `did you mean "${meant}"?`}`
}

/** `models/smol` names a Model of another namespace, as kubectl's NAMESPACE/NAME. */
function modelReference(model: string): NonNullable<StepOverride['modelRef']> {
  const [first = '', second] = model.split('/')
  return second === undefined ? { name: first } : { namespace: first, name: second }
}
