/** What the Job of a step asks for, as it stands in the pipeline: references are not replaced yet. */
import type { PipelineStep } from '@mnemos/api'
import { isMembers, present } from '../reading.ts'

/** Used where a step says nothing. */
export interface WorkDefaults {
  readonly queue?: string | undefined
  readonly priority?: string | undefined
}

/** The spec of a Job, with references. */
export function workOf(step: PipelineStep, defaults: WorkDefaults = {}): Readonly<Record<string, unknown>> {
  const { inference, container, resources, placement, podMetadata, retry, timeoutSeconds, queueSeconds } = step
  const queue = step.queue ?? defaults.queue
  const priority = step.priority ?? defaults.priority
  const deadlines = {
    ...(queueSeconds === undefined ? {} : { queueSeconds }),
    ...(timeoutSeconds === undefined ? {} : { runSeconds: timeoutSeconds }),
  }
  return {
    ...present({ inference, container: withValues(step, container), queue, priority, resources, placement, podMetadata, retry }),
    ...(Object.keys(deadlines).length === 0 ? {} : { deadlines }),
  }
}

/** What is said about an output of a container goes where its file is stored: there it is checked, and read when it is a value. */
function withValues(step: PipelineStep, container: Readonly<Record<string, unknown>> | undefined): unknown {
  const said = step.outputs ?? []
  const files = container?.['outputs']
  if (container === undefined || said.length === 0 || !Array.isArray(files)) return container
  const outputs = files.map((file: unknown) => {
    const name = typeof file === 'object' && file !== null && 'name' in file ? file.name : undefined
    const about = said.find((each) => each.name === name)
    if (about === undefined || typeof file !== 'object' || file === null) return file
    return { ...file, ...(isValue(about.mediaType) ? { inline: true } : {}), ...present({ schema: fileSchemaOf(about) }) }
  })
  return { ...container, outputs }
}

/** What is JSON is held to its schema where it is stored; a text is judged as the value that it is. */
function fileSchemaOf({ mediaType, schema }: NonNullable<PipelineStep['outputs']>[number]): unknown {
  return mediaType === 'text/plain' ? undefined : schema
}

/** Whether an output is read: others know its content, not only where it is. */
export function isValue(mediaType: string | undefined): boolean {
  return mediaType === 'application/json' || mediaType === 'text/plain'
}

/**
 * The spec of a Job with texts where a Job has texts: a parameter that is a number may be an argument, the value of a variable or a
 * prompt. A list or an object becomes JSON.
 */
export function withTexts(spec: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { inference, container } = spec
  return {
    ...spec,
    ...(isMembers(inference)
      ? { inference: { ...inference, ...changed(inference, { prompt: textFor, messages: eachMember('content') }) } }
      : {}),
    ...(isMembers(container)
      ? {
          container: {
            ...container,
            ...changed(container, { image: textFor, command: eachText, args: eachText, env: eachMember('value') }),
          },
        }
      : {}),
  }
}

type Change = (value: unknown) => unknown

const textFor: Change = (value) => (typeof value === 'string' || value === null ? value : JSON.stringify(value))
const eachText: Change = (value) => (Array.isArray(value) ? value.map(textFor) : value)
const eachMember =
  (name: string): Change =>
  (value) =>
    Array.isArray(value)
      ? value.map((each: unknown) => (isMembers(each) && name in each ? { ...each, [name]: textFor(each[name]) } : each))
      : value

function changed(of: Readonly<Record<string, unknown>>, changes: Readonly<Record<string, Change>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(changes).flatMap(([name, change]) => (of[name] === undefined ? [] : [[name, change(of[name])]])))
}
