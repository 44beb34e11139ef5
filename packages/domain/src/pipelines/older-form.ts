/**
 * The older form of pipelines (`synkron.mnemos.dev/v1`) as a Pipeline of today: for whoever still has such documents.
 *
 * Guarantees: total on any JSON. Either a Pipeline that its schema takes, or every mistake at once with its place in the older document and what
 * to write instead. No field is dropped without being named. What steps refer to is judged afterwards, as of every Pipeline: steps
 * keep their places, so `spec.steps[2]` is the same one in both.
 */
import { about, apiVersion, type Finding, fieldPath, judge, type PipelineInput, pointerOf } from '@mnemos/api'
import { fieldOf, itemsOf, textOf } from '../reading.ts'
import { outputNames } from './older-container.ts'
import { convertParameters } from './older-parameters.ts'
import {
  below,
  eitherOf,
  isAbsent,
  isObject,
  none,
  type Place,
  readCount,
  readItems,
  readMembers,
  readSeconds,
  readText,
  refuseOthers,
  wrong,
} from './older-reading.ts'
import { convertStep } from './older-step.ts'

/** What the older form calls its version. */
export const olderApiVersion = 'synkron.mnemos.dev/v1'

/** Keeps `metadata.version` of the older document; versions of today are revisions, which nobody has to count. */
export const olderVersionAnnotation = 'mnemos.dev/older-version'

/** Most mistakes that are told. */
const maxMistakes = 100

/** Whether somebody means the older form, of whatever version. */
export function isOlderForm(document: unknown): boolean {
  return /^synkron\.mnemos\.dev(\/|$)/.test(textOf(fieldOf(document, 'apiVersion')) ?? '')
}

/** @param document any JSON value */
export function fromOlderForm(document: unknown): { readonly pipeline: PipelineInput } | { readonly mistakes: readonly Finding[] } {
  const root: Place = { value: document, path: [], mistakes: [] }
  const { mistakes } = root
  if (!isObject(document)) return { mistakes: [about([], 'type', 'must be an object', 'write apiVersion, kind, metadata and spec')] }
  checkRoot(root)
  const metadata = convertMetadata(below(root, 'metadata'))
  const spec = convertSpec(below(root, 'spec'))
  if (mistakes.length > 0) return { mistakes: mistakes.slice(0, maxMistakes) }
  const pipeline: PipelineInput = { apiVersion, kind: 'Pipeline', metadata, spec }
  const found = judge('Pipeline', pipeline)
  return found.length === 0 ? { pipeline } : { mistakes: found.map((finding) => inOlderWords(finding, document)) }
}

function checkRoot(root: Place): void {
  refuseOthers(root, ['apiVersion', 'kind', 'metadata', 'spec'])
  const [version, kind] = [below(root, 'apiVersion'), below(root, 'kind')]
  if (version.value !== olderApiVersion)
    wrong(version, { code: 'enum', says: 'is no version of the older form', write: `write ${olderApiVersion}` })
  if (kind.value !== 'Pipeline') wrong(kind, { code: 'enum', says: 'is no kind of the older form', write: 'write Pipeline' })
}

const keptMetadata = ['name', 'namespace', 'labels', 'annotations']

function convertMetadata(metadata: Place): PipelineInput['metadata'] {
  refuseOthers(metadata, [...keptMetadata, 'version'])
  const name = below(metadata, 'name')
  if (isAbsent(name)) wrong(name, { code: 'required', says: 'is required', write: 'give the pipeline a name' })
  const namespace = readText(below(metadata, 'namespace'))
  const version = readText(below(metadata, 'version'))
  const labels = readTexts(below(metadata, 'labels'))
  const annotations = {
    ...readTexts(below(metadata, 'annotations')),
    ...(version === undefined ? {} : { [olderVersionAnnotation]: version }),
  }
  return {
    name: readText(name) ?? '',
    ...(namespace === undefined ? {} : { namespace }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  }
}

function readTexts(place: Place): Readonly<Record<string, string>> {
  return Object.fromEntries(
    readMembers(place).flatMap(([name, member]) => {
      const text = readText(member)
      return text === undefined ? [] : [[name, text] as const]
    }),
  )
}

function convertSpec(spec: Place): PipelineInput['spec'] {
  refuseOthers(spec, ['description', 'parameters', 'params', 'steps', 'timeout', 'concurrency'], {
    outputs: 'write a Pipeline of mnemos.dev/v1alpha1, which has outputs',
    finally: 'write a Pipeline of mnemos.dev/v1alpha1, which has finally',
  })
  const steps = below(spec, 'steps')
  const items = readItems(steps)
  if (items.length === 0) wrong(steps, { code: 'required', says: 'is required', write: 'list at least one step' })
  const textOfSteps = new Map(items.flatMap(({ value }) => inferenceText(value)))
  const description = readText(below(spec, 'description'))
  const timeoutSeconds = readSeconds(below(spec, 'timeout'))
  const concurrency = readCount(below(spec, 'concurrency'))
  const parameters = convertParameters(eitherOf(spec, 'parameters', 'params'))
  return {
    ...(description === undefined ? {} : { description }),
    ...(parameters.length === 0 ? {} : { parameters: [...parameters] }),
    steps: items.flatMap((item) => convertItem(item, textOfSteps)),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
  }
}

function convertItem(item: Place, textOfSteps: ReadonlyMap<string, string>): PipelineInput['spec']['steps'] {
  if (!isObject(item.value)) return none(item, { code: 'type', says: 'is no step', write: 'write name, kind and what the step needs' })
  const step = convertStep(item, textOfSteps)
  return step === undefined ? [] : [step]
}

/** What an inference calls its text. */
function inferenceText(step: unknown): readonly (readonly [step: string, output: string])[] {
  const name = textOf(fieldOf(step, 'name')) ?? textOf(fieldOf(step, 'id'))
  const [output, ...others] = outputNames(fieldOf(step, 'outputs'))
  return fieldOf(step, 'kind') === 'inference' && name !== undefined && output !== undefined && others.length === 0 ? [[name, output]] : []
}

/** Fields of a Pipeline as the older form calls them. */
const olderWords: Readonly<Record<string, string>> = { dependsOn: 'depends_on', retry: 'retries', timeoutSeconds: 'timeout' }

function inOlderWords(finding: Finding, document: unknown): Finding {
  const parts = finding.path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  const path = parts.flatMap((part): (string | number)[] => {
    if (part === 'limit') return []
    if (/^\d+$/.test(part)) return [Number(part)]
    return [Object.hasOwn(olderWords, part) ? (olderWords[part] ?? part) : part]
  })
  const [spec, steps, index, name] = path
  if (spec === 'spec' && steps === 'steps' && typeof index === 'number' && name === 'name') {
    const step = itemsOf(fieldOf(fieldOf(document, 'spec'), 'steps'))[index]
    if (fieldOf(step, 'name') === undefined) path[3] = 'id'
  }
  return { ...finding, path: pointerOf(path), field: fieldPath(path) }
}
