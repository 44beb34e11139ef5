/** Runs of pipelines for people: start, see, follow, steer and repeat them. Everything is read and written as the caller. */
import type { PipelineRun } from '@mnemos/api'
import {
  approveBody,
  pipelinePath,
  pipelineQuery,
  retryBody,
  pipelineRoutes as routes,
  runBody,
  runPath,
  runsQuery,
} from '@mnemos/contract'
import { nearest, runWork } from '@mnemos/domain'
import { isConflict, pathOf } from '@mnemos/kube'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Caller, Callers } from './callers.ts'
import { followObject } from './object-follower.ts'
import { findPipeline, findRun, pipelineRuns, specOfRun } from './pipeline-objects.ts'
import { Refusal } from './refusal.ts'
import { readBody, readOptionalBody, readPath, readQuery } from './request-reading.ts'
import { fastifyPath } from './route-path.ts'
import { hasEnded, runEvents } from './run-events.ts'
import { retryOf, runFrom } from './run-input.ts'
import { type EventReplyOptions, lastEventIdOf, sendEvents } from './sse-reply.ts'
import { createOnce, idempotencyKeyOf } from './submission.ts'

export interface PipelineRunRoutesOptions extends EventReplyOptions {
  readonly callers: Callers
}

interface FoundRun {
  readonly caller: Caller
  readonly run: PipelineRun
}

/** How often a decision is written anew when the run changed meanwhile. */
const approvalTries = 8

export function registerPipelineRuns(app: FastifyInstance, options: PipelineRunRoutesOptions): void {
  const { callers } = options
  const callerOf = (request: FastifyRequest): Promise<Caller> => callers.identify(request.headers.authorization)
  const found = async (request: FastifyRequest): Promise<FoundRun> => {
    const place = { ...readQuery(pipelineQuery, request), ...readPath(runPath, request) }
    const caller = await callerOf(request)
    return { caller, run: await findRun(caller, place) }
  }

  app.post(fastifyPath(routes.runPipeline.path), async (request, reply) => {
    const { namespace } = readQuery(pipelineQuery, request)
    const { id: pipeline } = readPath(pipelinePath, request)
    const caller = await callerOf(request)
    const body = readOptionalBody(runBody, request)
    await findPipeline(caller, namespace, pipeline)
    const idempotencyKey = idempotencyKeyOf(request)
    const run = runFrom({ namespace, pipeline }, body, { userName: caller.userName, idempotencyKey })
    return reply.code(201).send(await createOnce(caller, pipelineRuns, run, idempotencyKey))
  })
  app.get(fastifyPath(routes.listPipelineRuns.path), async (request) => {
    const { namespace, limit, continue: next, phase } = readQuery(runsQuery, request)
    const { id } = readPath(pipelinePath, request)
    const query = {
      limit: String(limit),
      fieldSelector: `spec.pipelineRef.name=${id}${phase === undefined ? '' : `,status.phase=${phase}`}`,
      ...(next === undefined ? {} : { continue: next }),
    }
    return (await callerOf(request)).client.request('GET', pathOf(pipelineRuns, { namespace }), { query })
  })
  app.get(fastifyPath(routes.getPipelineRun.path), async (request) => (await found(request)).run)
  app.get(fastifyPath(routes.pipelineRunEvents.path), async (request, reply) => {
    const { caller, run } = await found(request)
    return sendEvents(
      reply,
      request,
      (signal) => runEvents(followObject(caller.client, pipelineRuns, run, signal), lastEventIdOf(request), signal),
      options,
    )
  })
  app.post(fastifyPath(routes.retryPipelineRun.path), async (request, reply) => {
    const { caller, run } = await found(request)
    const body = readOptionalBody(retryBody, request)
    if (!hasEnded(run))
      throw new Refusal(
        'MNEMOS_NOT_READY',
        `Run ${run.metadata.name} is ${run.status?.phase ?? 'Pending'}: cancel it, or retry when it has ended.`,
      )
    const idempotencyKey = idempotencyKeyOf(request)
    const again = retryOf(run, body, { userName: caller.userName, idempotencyKey })
    return reply.code(201).send(await createOnce(caller, pipelineRuns, again, idempotencyKey))
  })
  registerSteering(app, found)
}

function registerSteering(app: FastifyInstance, found: (request: FastifyRequest) => Promise<FoundRun>): void {
  app.post(fastifyPath(routes.cancelPipelineRun.path), async (request, reply) => {
    const { caller, run } = await found(request)
    const left = hasEnded(run) || run.spec.cancel ? run : await changed(caller, run, { cancel: true })
    return reply.code(202).send(left)
  })
  for (const [route, suspend] of [
    [routes.suspendPipelineRun, true],
    [routes.resumePipelineRun, false],
  ] as const) {
    app.post(fastifyPath(route.path), async (request) => {
      const { caller, run } = await found(request)
      demandGoingOn(run)
      return run.spec.suspend === suspend ? run : changed(caller, run, { suspend })
    })
  }
  app.post(fastifyPath(routes.approvePipelineStep.path), async (request) => {
    const { caller, run } = await found(request)
    const decision = readBody(approveBody, request)
    await demandStep(caller, run, decision.step)
    for (let left = approvalTries, current = run; ; left -= 1, current = await findAgain(caller, run)) {
      demandGoingOn(current)
      try {
        const approvals = [...(current.spec.approvals ?? []), decision]
        return await changed(caller, current, { approvals }, current.metadata.resourceVersion)
      } catch (error) {
        // Others may have decided meanwhile: what they said must stay.
        if (!isConflict(error) || left <= 1) throw error
      }
    }
  })
}

function findAgain(caller: Caller, { metadata: { name, namespace = '' }, spec }: PipelineRun): Promise<PipelineRun> {
  return findRun(caller, { namespace, id: spec.pipelineRef.name, run: name })
}

/** @param resourceVersion when it must be this version that is changed */
function changed({ client }: Caller, { metadata }: PipelineRun, spec: object, resourceVersion?: string): Promise<PipelineRun> {
  const precondition = { uid: metadata.uid, ...(resourceVersion === undefined ? {} : { resourceVersion }) }
  return client.patch(pipelineRuns, metadata, { metadata: precondition, spec })
}

function demandGoingOn(run: PipelineRun): void {
  if (hasEnded(run))
    throw new Refusal('MNEMOS_ENDED', `Run ${run.metadata.name} is ${run.status?.phase ?? ''}: nothing of it can change any more.`)
}

async function demandStep(caller: Caller, run: PipelineRun, step: string): Promise<void> {
  const steps = runWork(await specOfRun(caller, run), run.status).map((work) => work.step)
  if (steps.includes(step) || steps.length === 0) return
  const meant = nearest(step, steps)
  const next = meant === undefined ? `it has ${steps.slice(0, 16).join(', ')}` : `did you mean ${meant}?`
  throw new Refusal('MNEMOS_NOT_FOUND', `Run ${run.metadata.name} has no step ${step}; ${next}`)
}
