/** A server on a real API server with alice, who may do everything with pipelines in her namespace, and what an operator would make of runs. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { apiVersion, type Job, type Pipeline, type PipelineRun, pipelineResource, pipelineRunResource } from '@mnemos/api'
import { controllerReference, type KubeObject, resource } from '@mnemos/kube'
import { jobs, type ServerBench, startServerBench } from './server.fixture.ts'

export const pipelines = resource<Pipeline>(pipelineResource)
export const runs = resource<PipelineRun>(pipelineRunResource)
export const revisions = resource<KubeObject>({
  group: 'apps',
  version: 'v1',
  plural: 'controllerrevisions',
  kind: 'ControllerRevision',
  namespaced: true,
})
export const namespace = 'alice'
export const sha = (text: string): string => createHash('sha256').update(text).digest('hex')

export const spec = {
  parameters: [{ name: 'topic', type: 'string', default: 'sea' }],
  steps: [
    {
      name: 'split',
      container: { image: 'busybox', outputs: [{ name: 'parts', path: '/out/parts.json' }] },
      outputs: [{ name: 'parts', mediaType: 'application/json' }],
    },
    {
      name: 'ask',
      forEach: { items: '$(steps.split.outputs.parts)' },
      inference: { modelRef: { name: 'm' }, prompt: '$(item) $(params.topic)' },
    },
    { name: 'review', approval: {} },
    { name: 'join', dependsOn: ['review'], inference: { modelRef: { name: 'm' }, prompt: '$(steps.ask.outputs.text)' } },
  ],
}
export const aPipeline = (name: string, of: object = spec): object => ({ apiVersion, kind: 'Pipeline', metadata: { name }, spec: of })

interface DoneJob {
  readonly item?: number
  /** Files that a container left; without any it is an inference. */
  readonly files?: Readonly<Record<string, string>>
  /** More of its inference. */
  readonly work?: object
}

export interface PipelineBench extends ServerBench {
  readonly aRevision: (pipeline: Pipeline, revision: number, spec?: object) => Promise<string>
  readonly setRunStatus: (run: PipelineRun, status: object) => Promise<PipelineRun>
  /** A Job as the operator makes it for a step, done, with its bytes in the store. */
  readonly aDoneJob: (run: PipelineRun, step: string, more?: DoneJob) => Promise<Job>
}

export async function startPipelineBench(): Promise<PipelineBench> {
  const bench = await startServerBench()
  const { cluster, client } = bench
  const kinds = 'mnemospipelines.mnemos.dev,mnemospipelineruns.mnemos.dev,mnemosmodels.mnemos.dev'
  await cluster.kubectlRun(['create', 'clusterrole', 'pipelines', '--verb=*', `--resource=${kinds}`])
  await cluster.kubectlRun(['create', 'clusterrole', 'revisions', '--verb=get,list', '--resource=controllerrevisions.apps'])
  for (const role of ['pipelines', 'revisions'])
    await cluster.kubectlRun(['-n', namespace, 'create', 'rolebinding', role, `--clusterrole=${role}`, '--user=alice'])
  return {
    ...bench,
    aRevision: async (pipeline, revision, of = pipeline.spec) => {
      const name = `${pipeline.metadata.name}-r${revision}`
      const labels = { 'app.kubernetes.io/managed-by': 'mnemos', 'mnemos.dev/pipeline': pipeline.metadata.name }
      const metadata = { name, namespace, labels, ownerReferences: [controllerReference(pipeline)] }
      await client.create(revisions, { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata, ...{ revision, data: { spec: of } } })
      return name
    },
    setRunStatus: (run, status) => client.patch<PipelineRun>(runs, run.metadata, { status }, { subresource: 'status' }),
    aDoneJob: (run, step, more = {}) => aDoneJob(bench, { run, step, ...more }),
  }
}

async function aDoneJob(
  bench: ServerBench,
  { run, step, item, files, work }: DoneJob & { readonly run: PipelineRun; readonly step: string },
): Promise<Job> {
  const name = `${run.metadata.name}-${step}${item === undefined ? '' : `-${item}`}`
  const labels = {
    'mnemos.dev/pipeline-run': run.metadata.name,
    'mnemos.dev/pipeline': run.spec.pipelineRef.name,
    'mnemos.dev/step': step,
    ...(item === undefined ? {} : { 'mnemos.dev/item': String(item) }),
  }
  const container = { image: 'busybox', outputs: Object.keys(files ?? {}).map((each) => ({ name: each, path: `/out/${each}/f` })) }
  const inference = { modelRef: { name: 'm' }, prompt: 'hi', ...work }
  const metadata = { name, namespace, labels, ownerReferences: [controllerReference(run)] }
  const job = await bench.client.create<Job>(jobs, {
    apiVersion,
    kind: 'Job',
    metadata,
    ...{ spec: files === undefined ? { inference } : { container } },
  })
  const uid = job.metadata.uid ?? ''
  const place = `outputs/${namespace}/${uid}/a1/`
  const token = await bench.assignmentToken({ uid, writes: [place] })
  const put = async (key: string, text: string): Promise<{ uri: string; sha256: string; sizeBytes: number }> => {
    const answer = await fetch(`${bench.url}/v1/artifacts/${key}`, {
      method: 'PUT',
      body: text,
      headers: { authorization: `Bearer ${token}` },
    })
    assert.equal(answer.status, 200)
    return { uri: `artifact://${key}`, sha256: sha(text), sizeBytes: text.length }
  }
  const outputs = await Promise.all(
    Object.entries(files ?? {}).map(async ([each, text]) => ({ name: each, ...(await put(`${place}files/${each}`, text)) })),
  )
  const said = JSON.stringify(files === undefined ? { text: `answer of ${name}` } : { exitCode: 0, outputs })
  const result = { ...(await put(`${place}result.json`, said)), ...(files === undefined ? {} : { inline: said }) }
  const worker = { name: 'w-1', instance: 'i' }
  return bench.setStatus(job, {
    phase: 'Succeeded',
    attempt: 1,
    worker,
    result,
    startedAt: '2026-01-01T00:00:00Z',
    finishedAt: '2026-01-01T00:00:01Z',
  })
}
