/** `mnemos pipelines artifacts|lineage`: what runs left behind, and where it comes from. */
import type { Lineage, LineageNode, RunArtifact } from '@mnemos/contract'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { type Column, parseFormat, renderList, renderObject, size } from '../output.ts'
import { runNamed } from '../pipelines-api.ts'
import { plain } from '../run-tree.ts'
import type { Session } from '../session.ts'

const instance = (step: string | undefined, item: number | undefined): string =>
  item === undefined ? (step ?? '') : `${step ?? ''}[${item}]`

const columns: readonly Column<RunArtifact>[] = [
  { title: 'STEP', of: ({ step, item }) => instance(step, item) },
  { title: 'OUTPUT', of: ({ output }) => output },
  { title: 'SIZE', of: ({ sizeBytes }) => size(sizeBytes) },
  { title: 'MEDIA TYPE', of: ({ mediaType = '' }) => mediaType, wide: true },
  { title: 'SHA256', of: ({ sha256 }) => sha256, wide: true },
  { title: 'JOB', of: ({ job, attempt }) => `${job}, attempt ${attempt}`, wide: true },
  { title: 'URI', of: ({ uri }) => uri },
]

export async function runArtifacts({ globals, terminal, signal }: Invocation, session: Session, name: string): Promise<ExitCode> {
  const format = parseFormat(globals.output)
  const run = await runNamed(session.pipelines, session.namespace, name, signal)
  const items = await session.pipelines.artifacts(run, signal)
  const empty = `Run ${name} has left nothing behind yet; see: mnemos pipelines status ${name}`
  terminal.write(await renderList({ items, columns, name: ({ uri }) => uri, empty }, format))
  return exitCodes.ok
}

/** @param what a run, or an artifact as `artifact://…`, `job://job/output` or a SHA-256 */
export async function lineage({ globals, terminal, signal }: Invocation, session: Session, what: string): Promise<ExitCode> {
  const format = parseFormat(globals.output)
  const { pipelines } = session
  const isArtifact = /^(artifact:\/\/|job:\/\/|[0-9a-f]{64}$|sha256:)/.test(what)
  const found = isArtifact
    ? await pipelines.lineageOf(what.replace(/^sha256:/, ''), signal)
    : await pipelines.lineageOfRun(await runNamed(pipelines, session.namespace, what, signal), signal)
  if (format === 'json' || format === 'yaml') terminal.write(await renderObject(found, format))
  else if (format === 'name') for (const { artifact } of found.nodes) terminal.write(`${artifact.uri}\n`)
  else for (const line of lineageLines(found)) terminal.write(`${line}\n`)
  return exitCodes.ok
}

/** Each artifact with what made it, and that with what it was made of. */
export function lineageLines({ nodes, isWhole }: Lineage): readonly string[] {
  if (nodes.length === 0) return ['Nothing was left behind yet.']
  const more = isWhole ? [] : ['… there is more: ask for one artifact, or with -o json']
  return [...nodes.flatMap(nodeLines), ...more].map(plain)
}

function nodeLines({ artifact, step, item, job, attempt, model, inputs, after, run, pipeline, revision }: LineageNode): readonly string[] {
  const from = [
    step === undefined ? undefined : `step ${instance(step, item)}`,
    `Job ${job}, attempt ${attempt}`,
    run === undefined ? undefined : `run ${run}`,
    pipeline === undefined ? undefined : `Pipeline ${pipeline}${revision === undefined ? '' : `, revision ${revision}`}`,
  ].filter((part) => part !== undefined)
  return [
    `${artifact.uri}  ${artifact.output}, ${size(artifact.sizeBytes)}, sha256 ${artifact.sha256.slice(0, 12)}`,
    `  made by ${from.join(', ')}`,
    ...(model === undefined ? [] : [`  with Model ${model.name}${model.digest === undefined ? '' : ` (${model.digest.slice(0, 19)})`}`]),
    ...inputs.map((input) => `  from ${input.from}${input.job === undefined ? '' : ` (Job ${input.job})`}`),
    ...(after.length === 0 ? [] : [`  after ${after.join(', ')}`]),
  ]
}
