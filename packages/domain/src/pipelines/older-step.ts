/** A step of the older form as a step of a Pipeline: what it does by its `kind`, whom it waits for, how long and how often it is tried. */
import type { PipelineInput } from '@mnemos/api'
import { convertContainer, convertResources, outputNames } from './older-container.ts'
import {
  below,
  eitherOf,
  isAbsent,
  isObject,
  type Place,
  readCount,
  readItems,
  readMembers,
  readSeconds,
  readText,
  refuseOthers,
  wrong,
} from './older-reading.ts'
import { convertSource, convertValue, type OlderNames } from './older-text.ts'

export type StepInput = PipelineInput['spec']['steps'][number]

const kindsOfSteps = ['data_prep', 'training', 'inference', 'custom'] as const

const fieldsOfAll = ['name', 'id', 'kind', 'depends_on', 'inputs', 'outputs', 'params', 'parameters', 'resources', 'retries', 'timeout']
const fieldsOfContainers = ['image', 'command', 'args', 'env']
const fieldsOfInference = ['model_ref', 'prompt']

/** What people write for fields that are called otherwise here. */
const instead: Readonly<Record<string, string>> = {
  dependsOn: 'write depends_on',
  needs: 'write depends_on',
  model: 'write model_ref',
  retry: 'write retries, a number',
  timeoutSeconds: 'write timeout, in seconds',
  environment: 'write env',
  when: 'write a Pipeline of mnemos.dev/v1alpha1, whose steps have when',
  forEach: 'write a Pipeline of mnemos.dev/v1alpha1, whose steps have forEach',
}

/** @param textOf what inferences call their text, by step */
export function convertStep(step: Place, textOf: ReadonlyMap<string, string>): StepInput | undefined {
  const own = new Map(readMembers(eitherOf(step, 'params', 'parameters')).map(([name, { value }]) => [name, value]))
  const names: OlderNames = { own, used: new Set(), textOf }
  const name = readText(eitherOf(step, 'name', 'id'))
  if (name === undefined && isObject(step.value))
    wrong(below(step, 'name'), { code: 'required', says: 'is required', write: 'give the step a name' })
  const work = convertWork(step, names)
  const dependsOn = readItems(below(step, 'depends_on')).map((item) => readText(item) ?? '')
  const limit = readCount(below(step, 'retries'))
  const timeoutSeconds = readSeconds(below(step, 'timeout'))
  const resources = convertResources(below(step, 'resources'), names)
  if (name === undefined) return undefined
  return {
    name,
    ...(dependsOn.length === 0 ? {} : { dependsOn }),
    ...work,
    ...(resources === undefined ? {} : { resources }),
    // A worker that serves many gives nobody resources of their own.
    ...(resources === undefined || !('inference' in work) ? {} : { placement: { dedicated: true } }),
    ...(limit === undefined ? {} : { retry: { limit } }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
  }
}

function convertWork(step: Place, names: OlderNames): Pick<StepInput, 'inference'> | Pick<StepInput, 'container'> {
  const place = below(step, 'kind')
  const kind = kindsOfSteps.find((each) => each === place.value)
  if (kind === 'inference') {
    const runs = 'take it out, or write kind: custom to run an image'
    refuseOthers(step, [...fieldsOfAll, ...fieldsOfInference], {
      ...instead,
      ...Object.fromEntries(fieldsOfContainers.map((field) => [field, runs])),
    })
    return { inference: convertInference(step, names) }
  }
  const choices = kindsOfSteps.join(', ')
  if (kind === undefined) {
    if (isAbsent(place)) wrong(place, { code: 'required', says: 'is required', write: `write one of ${choices}` })
    else wrong(place, { code: 'enum', says: 'is no kind of step', write: `use one of ${choices}` })
    refuseOthers(step, [...fieldsOfAll, ...fieldsOfContainers, ...fieldsOfInference], instead)
    return {}
  }
  if (kind === 'training' && isAbsent(below(step, 'image'))) {
    wrong(below(step, 'image'), {
      code: 'required',
      says: 'is required: there is no engine for training yet',
      write: 'name an image that trains',
    })
    return {}
  }
  const asks = 'take it out, or write kind: inference to ask a Model'
  refuseOthers(step, [...fieldsOfAll, ...fieldsOfContainers], { ...instead, model_ref: asks, prompt: asks })
  return { container: convertContainer(step, names) }
}

/** Parameters of an inference, as they are written in either form. */
const samplers: Readonly<Record<string, string>> = {
  max_tokens: 'maxTokens',
  maxTokens: 'maxTokens',
  temperature: 'temperature',
  top_p: 'topP',
  topP: 'topP',
  top_k: 'topK',
  topK: 'topK',
  seed: 'seed',
  stop: 'stop',
}

function convertInference(step: Place, names: OlderNames): Readonly<Record<string, unknown>> {
  const prompt = below(step, 'prompt')
  if (isAbsent(prompt)) wrong(prompt, { code: 'required', says: 'is required', write: 'write what the Model is asked' })
  else readText(prompt)
  if (outputNames(below(step, 'outputs').value).length > 1)
    wrong(below(step, 'outputs'), { says: 'names more than one output', write: 'name one: an inference leaves one text' })
  const inputs = readMembers(below(step, 'inputs')).map(([name, from]) => ({ name, from: convertSource(from, names) }))
  const converted = convertValue(prompt, names)
  const parameters = convertSamplers(step, names)
  return {
    modelRef: convertModelRef(below(step, 'model_ref'), names),
    prompt: converted,
    ...(inputs.length === 0 ? {} : { inputs }),
    ...(parameters.length === 0 ? {} : { parameters: Object.fromEntries(parameters) }),
  }
}

/** Those that the prompt names need not be known to the Model. */
function convertSamplers(step: Place, names: OlderNames): readonly (readonly [string, unknown])[] {
  return readMembers(eitherOf({ ...step, mistakes: [] }, 'params', 'parameters')).flatMap(([name, found]) => {
    const sampler = Object.hasOwn(samplers, name) ? samplers[name] : undefined
    const place = { ...found, mistakes: step.mistakes }
    if (sampler !== undefined) return [[sampler, convertValue(place, { ...names, own: new Map() })] as const]
    if (names.used.has(name)) return []
    const known = Object.keys(samplers).filter((each) => !/[A-Z]/.test(each))
    wrong(place, {
      code: 'unknownField',
      says: 'is no parameter of an inference, and the prompt does not name it',
      write: `use one of ${known.join(', ')}`,
    })
    return []
  })
}

/** `smollm2`, `shared/smollm2` or `{name, namespace}`. */
function convertModelRef(place: Place, names: OlderNames): unknown {
  if (isAbsent(place)) {
    wrong(place, { code: 'required', says: 'is required', write: 'name the Model that answers' })
    return undefined
  }
  if (isObject(place.value)) {
    refuseOthers(place, ['name', 'namespace'])
    if (isAbsent(below(place, 'name'))) wrong(below(place, 'name'), { code: 'required', says: 'is required', write: 'name the Model' })
    return convertValue(place, names)
  }
  const text = readText(place)
  if (text === undefined) return undefined
  const [first = '', second, third] = text.split('/')
  if (third !== undefined) {
    wrong(place, { says: 'is no name of a Model', write: 'write <name>, or <namespace>/<name>' })
    return undefined
  }
  const converted = (value: string): unknown => convertValue({ ...place, value }, names)
  return second === undefined ? { name: converted(first) } : { name: converted(second), namespace: converted(first) }
}
