/** What a request asks for as a PipelineRun: a first one, one that goes on from another, or the short form of POST /v1/jobs. */
import { apiVersion, type PipelineRun } from '@mnemos/api'
import { type retryBody, type runBody, shortPipelineRun } from '@mnemos/contract'
import type { KubeObject } from '@mnemos/kube'
import type { z } from 'zod'
import type { Caller } from './callers.ts'
import { findPipeline, pipelineRuns } from './pipeline-objects.ts'
import { Refusal } from './refusal.ts'
import { parseOf } from './request-reading.ts'
import { createOnce, nameFor, requestMark, type Submitter } from './submission.ts'

/** @param pipeline its name; that it is there is checked before */
export function runFrom(
  { namespace, pipeline }: { readonly namespace: string; readonly pipeline: string },
  body: z.output<typeof runBody>,
  submitter: Submitter,
): KubeObject {
  const { name, labels, ...spec } = body
  return runObject({ namespace, pipeline, name, labels }, { pipelineRef: { name: pipeline }, ...spec }, { asked: body, submitter })
}

/** @param earlier has ended. What the body does not say is as it was there. */
export function retryOf(earlier: PipelineRun, body: z.output<typeof retryBody>, submitter: Submitter): KubeObject {
  const { name, labels, steps, parameters, overrides, ...rest } = body
  const { pipelineRef, queue, priority, ttlSecondsAfterFinished } = earlier.spec
  const values = { ...earlier.spec.parameters, ...parameters }
  const changes = new Map([...(earlier.spec.overrides ?? []), ...(overrides ?? [])].map((each) => [each.step, each]))
  const run = earlier.metadata.name
  const spec = {
    ...{ pipelineRef, priority, retryFrom: { run, ...(steps === undefined ? {} : { steps }) } },
    ...(Object.keys(values).length === 0 ? {} : { parameters: values }),
    ...(changes.size === 0 ? {} : { overrides: [...changes.values()] }),
    ...(queue === undefined ? {} : { queue }),
    ...(ttlSecondsAfterFinished === undefined ? {} : { ttlSecondsAfterFinished }),
    ...rest,
  }
  const { namespace = '' } = earlier.metadata
  return runObject({ namespace, pipeline: pipelineRef.name, name, labels }, spec, { asked: { run, ...body }, submitter })
}

/** Whether the body of POST /v1/jobs asks for a run. */
export function isShortRun(body: unknown): boolean {
  return typeof body === 'object' && body !== null && !('apiVersion' in body) && 'kind' in body && body.kind === 'pipeline'
}

/** @throws Refusal MNEMOS_INVALID, MNEMOS_NOT_FOUND */
export async function submitShortRun(
  caller: Caller,
  body: unknown,
  { namespace: usual, ...submitter }: Submitter & { readonly namespace: string },
): Promise<PipelineRun> {
  const form = 'The short form is {kind: "pipeline", pipeline, spec: {params}}'
  const { pipeline, pipeline_ref, namespace = usual, name, spec } = parseOf(shortPipelineRun, body, { code: 'MNEMOS_INVALID', what: form })
  const of = pipeline ?? pipeline_ref
  if (of === undefined)
    throw new Refusal('MNEMOS_INVALID', 'pipeline is missing: name the Pipeline that is to run.', {
      details: [{ field: 'pipeline', path: '/pipeline', message: 'required' }],
    })
  await findPipeline(caller, namespace, of)
  const run = runFrom({ namespace, pipeline: of }, { name, ...(spec?.params === undefined ? {} : { parameters: spec.params }) }, submitter)
  return createOnce(caller, pipelineRuns, run, submitter.idempotencyKey)
}

interface RunNames {
  readonly namespace: string
  readonly pipeline: string
  readonly name: string | undefined
  readonly labels: Readonly<Record<string, string>> | undefined
}

function runObject(
  { namespace, pipeline, name, labels }: RunNames,
  spec: object,
  { asked, submitter }: { readonly asked: unknown; readonly submitter: Submitter },
): KubeObject {
  const annotations = requestMark({ pipeline, asked }, submitter)
  const metadata = {
    namespace,
    name: name ?? nameFor(`${pipeline.slice(0, 50).replace(/[-.]+$/, '')}-`, submitter),
    ...(labels === undefined ? {} : { labels }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  }
  return { apiVersion, kind: pipelineRuns.kind, metadata, ...{ spec } }
}
