/** The work of a run in pages, what it left behind, and the bytes of that. Everything is read as the caller; bytes only by way of a Job that the caller may read. */
import type { ArtifactStore } from '@mnemos/artifacts'
import {
  pipelineQuery,
  type RunArtifact,
  type RunStep,
  pipelineRoutes as routes,
  runArtifactPath,
  runArtifactQuery,
  runArtifactsQuery,
  runPath,
  runStepsQuery,
} from '@mnemos/contract'
import { nearest, piecesBehind, type WorkPiece } from '@mnemos/domain'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Callers } from './callers.ts'
import { findRun } from './pipeline-objects.ts'
import { Refusal } from './refusal.ts'
import { readPath, readQuery } from './request-reading.ts'
import { fastifyPath } from './route-path.ts'
import {
  type Doer,
  doersOf,
  filesOf,
  isJob,
  type MadeWork,
  madePage,
  positionAt,
  positionOf,
  type RunReading,
  readRun,
  take,
} from './run-reading.ts'

export interface RunWorkRoutesOptions {
  readonly callers: Callers
  readonly artifacts: ArtifactStore
}

export function registerRunWork(app: FastifyInstance, { callers, artifacts }: RunWorkRoutesOptions): void {
  const reading = async (request: FastifyRequest): Promise<RunReading> => {
    const { namespace } = readQuery(pipelineQuery, request)
    const place = readPath(runPath, request)
    const caller = await callers.identify(request.headers.authorization)
    return readRun(caller, await findRun(caller, { namespace, ...place }))
  }

  app.get(fastifyPath(routes.pipelineRunSteps.path), async (request) => {
    const { limit, continue: from, step, phase } = readQuery(runStepsQuery, request)
    const run = await reading(request)
    if (step !== undefined) stepNamed(run, step)
    const pieces = piecesBehind(run.work, positionOf(from), { step, phase })
    const page = take(pieces, limit)
    const [doers, last, more] = [await doersOf(run, page), page.at(-1), pieces.next()]
    return {
      items: page.map((piece, at) => rowOf(piece, doers[at])),
      metadata: more.done === true || last === undefined ? {} : { continue: positionAt(last) },
    }
  })
  app.get(fastifyPath(routes.pipelineRunArtifacts.path), async (request) => {
    const { limit, continue: from, step } = readQuery(runArtifactsQuery, request)
    const run = await reading(request)
    if (step !== undefined) stepNamed(run, step)
    const { made, continue: next } = await madePage(run, artifacts, { position: positionOf(from), limit, filter: { step } })
    return { items: made.flatMap((each) => artifactsOf(each)), metadata: next === undefined ? {} : { continue: next } }
  })
  app.get(fastifyPath(routes.getPipelineRunArtifact.path), async (request, reply) => {
    const { item } = readQuery(runArtifactQuery, request)
    const { step, output } = readPath(runArtifactPath, request)
    const run = await reading(request)
    return sendArtifact(reply, request, artifacts, { run, piece: pieceAt(run, step, item), output })
  })
}

function rowOf({ work, item, phase }: WorkPiece, doer: Doer | undefined): RunStep {
  const isWhole = item === undefined
  const message = (doer !== undefined && isJob(doer) ? messageOf(doer) : undefined) ?? (isWhole ? work.message : undefined)
  const { startedAt, finishedAt } = doer?.status ?? {}
  const { attempt = 0, worker } = doer !== undefined && isJob(doer) ? (doer.status ?? {}) : {}
  return {
    step: work.step,
    ...(isWhole ? {} : { item }),
    ...{ type: work.type, phase },
    ...(work.why === undefined || phase !== 'Skipped' ? {} : { why: work.why }),
    ...(doer === undefined ? {} : { job: doer.metadata.name }),
    ...(attempt === 0 ? {} : { attempt }),
    ...(worker === undefined ? {} : { worker: worker.name }),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
    ...(message === undefined ? {} : { message }),
  }
}

/** Why it failed, or what it waits for. */
function messageOf({ status }: Extract<Doer, { kind: 'Job' }>): string | undefined {
  if (status === undefined || status.phase === 'Succeeded') return undefined
  return status.failure?.message ?? status.queue?.reasons[0]
}

function artifactsOf({ piece: { work, item }, job, made }: MadeWork): readonly RunArtifact[] {
  return made.map(({ output, key, sha256, sizeBytes, attempt }) => {
    const mediaType = work.mediaTypes?.get(output)
    return {
      step: work.step,
      ...(item === undefined ? {} : { item }),
      ...{ output, uri: `artifact://${key}`, sha256, sizeBytes },
      ...(mediaType === undefined ? {} : { mediaType }),
      ...{ job: job.metadata.name, attempt },
    }
  })
}

function stepNamed({ run, work }: RunReading, step: string): RunReading['work'][number] {
  const found = work.find((each) => each.step === step)
  if (found !== undefined) return found
  const names = work.map((each) => each.step)
  const meant = nearest(step, names)
  const next = meant === undefined ? `it has ${names.slice(0, 16).join(', ')}` : `did you mean ${meant}?`
  throw new Refusal('MNEMOS_NOT_FOUND', `Run ${run.metadata.name} has no step ${step}; ${next}`)
}

function pieceAt(reading: RunReading, step: string, item: number | undefined): WorkPiece {
  const work = stepNamed(reading, step)
  if (work.items === undefined) {
    if (item === undefined) return { work, phase: work.phase }
    throw new Refusal('MNEMOS_NOT_FOUND', `Step ${step} has no instances (yet); leave item out.`)
  }
  const phase = item === undefined ? undefined : work.items[item]
  if (item !== undefined && phase !== undefined) return { work, item, phase }
  throw new Refusal('MNEMOS_NOT_FOUND', `Step ${step} has ${work.items.length} instances; name one with item, from 0 on.`)
}

async function sendArtifact(
  reply: FastifyReply,
  request: FastifyRequest,
  artifacts: ArtifactStore,
  { run, piece, output }: { readonly run: RunReading; readonly piece: WorkPiece; readonly output: string },
): Promise<FastifyReply> {
  const { step } = piece.work
  const [doer] = await doersOf(run, [piece])
  const made = doer === undefined || !isJob(doer) ? [] : await filesOf(artifacts, doer)
  const file = made.find((each) => each.output === output)
  if (file === undefined) {
    const names = made.map((each) => each.output)
    const there = names.length === 0 ? `it is ${piece.phase} and has none` : `it has ${names.join(', ')}`
    throw new Refusal('MNEMOS_NOT_FOUND', `Step ${step} has no output ${output}; ${there}.`)
  }
  const etag = `"${file.sha256}"`
  if (request.headers['if-none-match']?.includes(etag) === true) return reply.code(304).header('etag', etag).send()
  const found = await artifacts.get(file.key)
  if (found?.about.sha256 !== file.sha256) {
    found?.bytes.destroy()
    throw new Refusal('MNEMOS_NOT_FOUND', `Output ${output} of step ${step} is no longer stored as the step left it.`)
  }
  return reply
    .type(piece.work.mediaTypes?.get(output) ?? 'application/octet-stream')
    .headers({ etag, 'content-length': found.about.sizeBytes, 'x-content-type-options': 'nosniff' })
    .header('content-disposition', `attachment; filename="${output}"`)
    .send(found.bytes)
}
