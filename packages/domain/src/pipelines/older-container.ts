/**
 * The steps of the older form that run an image: what runs, its files, its variables, what it asks of its node.
 *
 * Two conventions fill what the older form leaves open. A file without a path is `/in/<name>` or `/out/<name>`. A parameter of the step
 * reaches its image as the variable `PARAM_<NAME>`.
 */

import { fieldOf } from '../reading.ts'
import { below, isAbsent, isObject, none, type Place, readItems, readMembers, readText, refuseOthers, wrong } from './older-reading.ts'
import { anOutput, convertArgument, convertSource, convertValue, type OlderNames } from './older-text.ts'
import { piecesOf } from './reference.ts'

type Fields = Readonly<Record<string, unknown>>

/** The block `container` of a step. */
export function convertContainer(step: Place, names: OlderNames): Fields {
  const image = below(step, 'image')
  if (isAbsent(image)) wrong(image, { code: 'required', says: 'is required', write: 'name the image that does the work' })
  const env = variables(step, names)
  const files = { inputs: inputFiles(below(step, 'inputs'), names), outputs: outputFiles(below(step, 'outputs'), names) }
  return {
    image: isAbsent(image) ? '' : convertArgument(image, names),
    ...listOf('command', readItems(below(step, 'command')), names),
    ...listOf('args', readItems(below(step, 'args')), names),
    ...(env.length === 0 ? {} : { env }),
    ...(files.inputs.length === 0 ? {} : { inputs: files.inputs }),
    ...(files.outputs.length === 0 ? {} : { outputs: files.outputs }),
  }
}

function listOf(field: string, items: readonly Place[], names: OlderNames): Fields {
  return items.length === 0 ? {} : { [field]: items.map((item) => convertArgument(item, names)) }
}

function variables(step: Place, names: OlderNames): readonly Fields[] {
  const env = below(step, 'env')
  const given = Array.isArray(env.value)
    ? readItems(env).map((item): Fields => {
        refuseOthers(item, ['name', 'value'])
        return { name: readText(below(item, 'name')) ?? '', value: convertArgument(below(item, 'value'), names) }
      })
    : readMembers(env).map(([name, value]): Fields => ({ name, value: convertArgument(value, names) }))
  const taken = new Map(given.map(({ name }) => [name, true]))
  const own = [...names.own].flatMap(([parameter, value]): readonly Fields[] => {
    const name = `PARAM_${parameter.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`
    const place: Place = { ...step, value, path: [...step.path, isAbsent(below(step, 'params')) ? 'parameters' : 'params', parameter] }
    if (taken.has(name)) return none(place, { code: 'duplicate', says: `becomes the variable ${name}, too`, write: 'rename one' })
    taken.set(name, true)
    const converted = convertValue(place, { ...names, own: new Map() })
    return [{ name, value: typeof converted === 'string' ? converted : JSON.stringify(converted ?? null) }]
  })
  return [...given, ...own]
}

/** `[${prep.train}]`, `{train: ${prep.train}}`, `[{name: train, path: /in/train, from: ${prep.train}}]`. */
function inputFiles(place: Place, names: OlderNames): readonly Fields[] {
  if (isObject(place.value))
    return readMembers(place).map(([name, from]) => {
      return isObject(from.value) ? inputFile(from, name, names) : { path: `/in/${name}`, from: convertSource(from, names) }
    })
  return readItems(place).map((item) => {
    if (isObject(item.value)) return inputFile(item, readText(below(item, 'name')), names)
    const name = outputNamed(item.value)
    if (name === undefined) {
      wrong(item, { says: 'names no output of a step', write: `write ${anOutput}, or {path: /in/x, from: …}` })
      return {}
    }
    return { path: `/in/${name}`, from: convertSource(item, names) }
  })
}

function inputFile(item: Place, name: string | undefined, names: OlderNames): Fields {
  refuseOthers(item, ['name', 'path', 'from'], { source: 'write from', uri: 'write from' })
  const path = readText(below(item, 'path')) ?? (name === undefined ? undefined : `/in/${name}`)
  if (path === undefined) wrong(item, { code: 'required', says: 'has no path', write: 'write {path: /in/x, from: …}' })
  return { path, from: convertSource(below(item, 'from'), names) }
}

function outputNamed(value: unknown): string | undefined {
  const [only, ...others] = typeof value === 'string' ? piecesOf(value) : []
  return only !== undefined && others.length === 0 && 'reference' in only && only.reference.from === 'steps'
    ? only.reference.output
    : undefined
}

/** `[train]`, `{train: /out/train}`, `{train: {path: /out/train}}`, `[{name: train, path: /out/train}]`. */
function outputFiles(place: Place, names: OlderNames): readonly Fields[] {
  if (isObject(place.value))
    return readMembers(place).map(([name, file]) => {
      if (!isObject(file.value)) return { name, path: isAbsent(file) ? `/out/${name}` : convertArgument(file, names) }
      refuseOthers(file, ['path'])
      return outputFile(file, name)
    })
  return readItems(place).map((item): Fields => {
    if (typeof item.value === 'string') return { name: item.value, path: `/out/${item.value}` }
    refuseOthers(item, ['name', 'path'])
    const name = readText(below(item, 'name'))
    if (name !== undefined) return outputFile(item, name)
    wrong(item, { code: 'required', says: 'has no name', write: 'write {name: x, path: /out/x}' })
    return {}
  })
}

function outputFile(file: Place, name: string): Fields {
  return { name, path: readText(below(file, 'path')) ?? `/out/${name}` }
}

/** Names of outputs as they are declared, in each of the three ways. */
export function outputNames(outputs: unknown): readonly string[] {
  if (isObject(outputs)) return Object.keys(outputs)
  if (!Array.isArray(outputs)) return []
  return outputs.flatMap((item: unknown) => {
    const name = fieldOf(item, 'name') ?? item
    return typeof name === 'string' ? [name] : []
  })
}

const resourceNames: Readonly<Record<string, string>> = { cpu: 'cpu', memory: 'memory', gpu: 'nvidia.com/gpu' }

/** Limits alone: Kubernetes then asks the node for as much. */
export function convertResources(place: Place, names: OlderNames): Fields | undefined {
  refuseOthers(place, Object.keys(resourceNames))
  const limits = readMembers(place).flatMap(([name, amount]) => {
    const resource = Object.hasOwn(resourceNames, name) ? resourceNames[name] : undefined
    if (resource === undefined || isAbsent(amount)) return []
    if (typeof amount.value !== 'number' && typeof amount.value !== 'string')
      return none(amount, { code: 'type', says: 'is no amount', write: 'write 2, "500m" or "8Gi"' })
    return [[resource, convertValue(amount, names)] as const]
  })
  return limits.length === 0 ? undefined : { limits: Object.fromEntries(limits) }
}
