/** Routes about runs of pipelines: start, watch, steer and repeat them, and what is known of what they made. */
import { priorities, runPhases, stepName, stepPhases } from '@mnemos/api'
import { z } from 'zod'
import { body, bytes, json, namespaceQueryOf, object, page } from './route-parts.ts'
import type { Route } from './routes.ts'
import { lineage, pageOf, pipelineDiff, pipelineRevision, runArtifact, runStep } from './run-views.ts'

const dnsName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/)
const outputName = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[A-Za-z0-9]([-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?$/)
const revision = z.coerce.number().int().min(1)

/** What stands in the paths. */
export const pipelinePath = z.object({ id: dnsName })
export const runPath = z.object({ id: dnsName, run: dnsName })
export const runArtifactPath = runPath.extend({ step: stepName, output: outputName })
export const revisionPath = z.object({ id: dnsName, revision })

export const pipelineQuery = namespaceQueryOf('Namespace of the Pipeline.')
const pages = pipelineQuery.extend(page.shape)
export const runsQuery = pages.extend({ phase: z.enum(runPhases).optional().describe('Only runs in this phase.') })
const ofStep = { step: stepName.optional().describe('Only this step.') }
export const runStepsQuery = pages.extend({ ...ofStep, phase: z.enum(stepPhases).optional().describe('Only work in this phase.') })
export const runArtifactsQuery = pages.extend(ofStep)
export const runArtifactQuery = pipelineQuery.extend({
  item: z.coerce.number().int().min(0).max(10_000).optional().describe('Which instance of a step with forEach.'),
})
const artifact = z.string().min(1).max(1100).describe('artifact://<key>, job://<job>/<output>, or a SHA-256.')
export const runLineageQuery = pages.extend({ artifact: artifact.optional().describe('Only this one and what it was made of.') })
export const lineageQuery = pipelineQuery.extend({ artifact })
export const diffQuery = pipelineQuery.extend({
  from: revision.describe('Number of the older revision.'),
  to: revision.describe('Number of the newer revision.'),
})

const parameters = z.record(z.string(), z.unknown())
const labels = z.record(z.string().max(317), z.string().max(63))
const overrides = z
  .array(z.strictObject({ step: stepName, image: z.string().optional(), modelRef: z.looseObject({ name: z.string() }).optional() }))
  .max(64)
const wanted = {
  name: dnsName.max(63).optional().describe('Name of the run; made from that of the pipeline when absent.'),
  parameters: parameters.optional().describe('Values by the names of parameters.'),
  revision: z.int().min(1).optional().describe('Revision to run.'),
  overrides: overrides.optional().describe('Changes of steps for this run alone.'),
  labels: labels.optional().describe('Labels of the run.'),
}

export const runBody = z
  .strictObject({ ...wanted, queue: dnsName.optional(), priority: z.enum(priorities).optional() })
  .meta({ examples: [{ parameters: { folder: 'reports' }, priority: 'low' }] })
export type RunBody = z.input<typeof runBody>

export const retryBody = z
  .strictObject({
    ...wanted,
    steps: z
      .array(stepName)
      .max(64)
      .optional()
      .describe('Steps to do again, with all that comes after them; those that did not succeed when absent.'),
  })
  .meta({ examples: [{ steps: ['train'], parameters: { epochs: 3 } }] })
export type RetryBody = z.input<typeof retryBody>

export const approveBody = z
  .strictObject({
    step: stepName,
    decision: z.enum(['Approved', 'Rejected']).default('Approved'),
    comment: z.string().max(1024).optional(),
  })
  .meta({ examples: [{ step: 'review', decision: 'Approved', comment: 'worth the cost' }] })
export type ApproveBody = z.input<typeof approveBody>

export const rollbackBody = z.strictObject({ revision: z.int().min(1) }).meta({ examples: [{ revision: 3 }] })

const one = '/v1/pipelines/{id}'
const run = `${one}/runs/{run}` as const
const auth = 'user'

const runRoutes = {
  runPipeline: {
    ...{ method: 'POST', path: `${one}/run`, auth, query: pipelineQuery, body: body(runBody), response: json(object, 201) },
    summary: 'Start a run: makes a PipelineRun. With `Idempotency-Key` the same request twice makes one.',
  },
  listPipelineRuns: {
    ...{ method: 'GET', path: `${one}/runs`, auth, query: runsQuery, response: json(z.looseObject({ items: z.array(object) })) },
    summary: 'Runs of a pipeline, in pages.',
  },
  getPipelineRun: { method: 'GET', path: run, auth, query: pipelineQuery, response: json(object), summary: 'One run.' },
  pipelineRunSteps: {
    ...{ method: 'GET', path: `${run}/steps`, auth, query: runStepsQuery, response: json(pageOf(runStep)) },
    summary: 'The work of a run, in pages: one row for each step or instance of one, in the order of the pipeline.',
  },
  cancelPipelineRun: {
    ...{ method: 'POST', path: `${run}/cancel`, auth, query: pipelineQuery, response: json(object, 202) },
    summary: 'Stop a run for good. Its `finally` steps are done.',
  },
  suspendPipelineRun: {
    ...{ method: 'POST', path: `${run}/suspend`, auth, query: pipelineQuery, response: json(object) },
    summary: 'Start nothing new in a run; what runs goes on.',
  },
  resumePipelineRun: {
    ...{ method: 'POST', path: `${run}/resume`, auth, query: pipelineQuery, response: json(object) },
    summary: 'Go on with a run that was suspended.',
  },
  approvePipelineStep: {
    ...{ method: 'POST', path: `${run}/approve`, auth, query: pipelineQuery, body: body(approveBody), response: json(object) },
    summary: 'Decide about a step that waits for that. Who and when is noted by admission.',
  },
  retryPipelineRun: {
    ...{ method: 'POST', path: `${run}/retry`, auth, query: pipelineQuery, body: body(retryBody), response: json(object, 201) },
    summary:
      'A new run that keeps what an ended one has finished. Parameters and overrides that are not given are those of the earlier run. Takes `Idempotency-Key`.',
  },
  pipelineRunEvents: {
    ...{ method: 'GET', path: `${run}/events`, auth, query: pipelineQuery },
    summary:
      'Server-sent events: `run` {phase, status} at once and at each change, with the version as id; `end` when the run has ended or is gone; `refused` {code, message} when the cluster refuses to tell more.',
    response: { status: 200, contentType: 'text/event-stream', schema: z.string() },
  },
} as const satisfies Record<string, Route>

const artifactRoutes = {
  pipelineRunArtifacts: {
    ...{ method: 'GET', path: `${run}/artifacts`, auth, query: runArtifactsQuery, response: json(pageOf(runArtifact)) },
    summary: 'What the steps of a run left behind, in pages.',
  },
  getPipelineRunArtifact: {
    ...{ method: 'GET', path: `${run}/artifacts/{step}/{output}`, auth, query: runArtifactQuery, response: bytes() },
    summary: 'The bytes of an output. The ETag is the SHA-256.',
  },
  pipelineRunLineage: {
    ...{ method: 'GET', path: `${run}/lineage`, auth, query: runLineageQuery, response: json(lineage) },
    summary: 'Where each artifact of a run comes from, in pages; with `artifact` that one and everything it was made of.',
  },
  lineage: {
    ...{ method: 'GET', path: '/v1/lineage', auth, query: lineageQuery, response: json(lineage) },
    summary: 'Where an artifact of a namespace comes from. Needs the right to list its Jobs.',
  },
} as const satisfies Record<string, Route>

const revisionRoutes = {
  listPipelineRevisions: {
    ...{ method: 'GET', path: `${one}/revisions`, auth, query: pipelineQuery },
    summary: 'Revisions of a pipeline that are kept, newest first.',
    response: json(z.object({ items: z.array(pipelineRevision) })),
  },
  getPipelineRevision: {
    ...{ method: 'GET', path: `${one}/revisions/{revision}`, auth, query: pipelineQuery, response: json(pipelineRevision) },
    summary: 'One revision, with its spec.',
  },
  diffPipeline: {
    ...{ method: 'GET', path: `${one}/diff`, auth, query: diffQuery, response: json(pipelineDiff) },
    summary: 'What changed between two revisions.',
  },
  rollbackPipeline: {
    ...{ method: 'POST', path: `${one}/rollback`, auth, query: pipelineQuery, body: body(rollbackBody), response: json(object) },
    summary: 'Put the spec of an earlier revision in force. With If-Match only when nobody changed the Pipeline since (412).',
  },
  rollbackModel: {
    ...{ method: 'POST', path: '/v1/models/{id}/rollback', auth, query: namespaceQueryOf('Namespace of the Model.') },
    summary: 'Move an alias (a Model whose source is model://…) back to what it stood for before. Twice is there and back again.',
    response: json(object),
  },
} as const satisfies Record<string, Route>

export const pipelineRoutes = { ...runRoutes, ...artifactRoutes, ...revisionRoutes } as const
