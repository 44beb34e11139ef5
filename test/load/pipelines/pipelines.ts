/** Pipelines and runs as the benchmarks create them: of containers that succeed at once, or of prompts to the hollow model. */
import { apiVersion, type Pipeline, type PipelineInput, type PipelineRun, pipelineResource, pipelineRunResource } from '@mnemos/api'
import { type Client, resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'
import { benchNamespace, modelName, object } from '../stack/stack.ts'

export const pipelines = resource<Pipeline>(pipelineResource)
export const runs = resource<PipelineRun>(pipelineRunResource)

type Step = PipelineInput['spec']['steps'][number]
/** Who does the work of a step: a pod of its own, or a warm worker. */
export type Work = 'container' | 'inference'

function workOf(work: Work, prompt: string): Partial<Step> {
  if (work === 'container') return { container: { image: 'example.com/step:1', command: ['true'] } }
  return { inference: { modelRef: { name: modelName }, prompt, parameters: { maxTokens: 8 } } }
}

/** Steps one after the other. */
export function chainOf(length: number, work: Work): Step[] {
  return Array.from({ length }, (_, index) => ({
    name: `step-${index}`,
    ...workOf(work, `step ${index}`),
    ...(index === 0 ? {} : { dependsOn: [`step-${index - 1}`] }),
  }))
}

/** One step, then one for each item of the parameter `items`, then one. */
export function fanOf(work: Work): Pick<PipelineInput['spec'], 'parameters' | 'steps'> {
  return {
    parameters: [{ name: 'items', type: 'list' }],
    steps: [
      { name: 'split', ...workOf(work, 'split') },
      { name: 'each', ...workOf(work, 'item $(item)'), forEach: { items: '$(params.items)' }, dependsOn: ['split'] },
      { name: 'join', ...workOf(work, 'join'), dependsOn: ['each'] },
    ],
  }
}

/** Creates a Pipeline and waits until it is Ready: that is no part of a run. */
export async function createPipeline(client: Client, name: string, spec: PipelineInput['spec']): Promise<void> {
  const metadata = { namespace: benchNamespace, name }
  await client.create(pipelines, object(apiVersion, 'Pipeline', metadata, { spec }))
  await eventually(
    async () => {
      const { conditions = [] } = (await client.get(pipelines, metadata))?.status ?? {}
      const ready = conditions.find(({ type }) => type === 'Ready')
      if (ready?.status === 'False') throw new Error(`Pipeline ${name} is not Ready: ${ready.message}`)
      return ready?.status === 'True'
    },
    { timeoutMs: 30_000, message: `Pipeline ${name} is Ready` },
  )
}

export async function createRun(client: Client, name: string, pipeline: string, parameters?: object): Promise<void> {
  const spec = { pipelineRef: { name: pipeline }, ...(parameters === undefined ? {} : { parameters }) }
  await client.create(runs, object(apiVersion, 'PipelineRun', { namespace: benchNamespace, name }, { spec }))
}
