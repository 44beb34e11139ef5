/** The first Model and a WorkerPool for it, and the wait until it is verified. Applied, so a second run changes nothing. */
import { apiVersion, type Model, modelResource, workerPoolResource } from '@mnemos/api'
import { type Client, type Clock, type KubeObject, resource } from '@mnemos/kube'

export interface FirstModel {
  readonly name: string
  readonly uri: string
  readonly timeoutSeconds: number
}

export interface FirstModelPorts {
  readonly client: Client
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly told: (line: string) => void
}

const models = resource<Model>(modelResource)
const pools = resource(workerPoolResource)
const namespace = 'default'
const pool = 'default'

/** @returns undefined when the Model is Ready, else why not */
export async function firstModel(
  { client, clock, signal, told }: FirstModelPorts,
  { name, uri, timeoutSeconds }: FirstModel,
): Promise<string | undefined> {
  const options = { fieldManager: 'mnemos-up', signal }
  const made = (kind: string, of: string, spec: object): KubeObject & { spec: object } => ({
    apiVersion,
    kind,
    metadata: { namespace, name: of },
    spec,
  })
  if ((await client.get(pools, { namespace, name: pool }, { signal })) === undefined)
    await client.apply(pools, made('WorkerPool', pool, {}), options)
  await client.apply(models, made('Model', name, { source: { uri } }), options)
  const deadline = clock.monotonic() + timeoutSeconds * 1000
  for (;;) {
    const model = await client.get(models, { namespace, name }, { signal })
    const ready = model?.status?.conditions.find(({ type }) => type === 'Ready')
    if (ready?.status === 'True') return undefined
    const why = ready?.message ?? 'the operator has not looked at it yet'
    if (model?.status?.phase === 'Failed') return `Model ${namespace}/${name} failed: ${why}`
    if (clock.monotonic() > deadline) return `Model ${namespace}/${name} is not ready after ${timeoutSeconds} s: ${why}`
    told(`Model ${name}: ${model?.status?.progress === undefined ? why : `${model.status.progress.percent} %`}`)
    await clock.sleep(500, signal)
  }
}
