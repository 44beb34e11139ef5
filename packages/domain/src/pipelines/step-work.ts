/** What the Job of a step asks for, as it stands in the pipeline: references are not replaced yet. */
import type { PipelineStep } from '@mnemos/api'

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
    ...given({ inference, container: withValues(step, container), queue, priority, resources, placement, podMetadata, retry }),
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
    return { ...file, ...(isValue(about.mediaType) ? { inline: true } : {}), ...given({ schema: about.schema }) }
  })
  return { ...container, outputs }
}

/** Whether an output is read: others know its content, not only where it is. */
export function isValue(mediaType: string | undefined): boolean {
  return mediaType === 'application/json' || mediaType === 'text/plain'
}

function given(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}
