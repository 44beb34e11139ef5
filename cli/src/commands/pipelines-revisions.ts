/** `mnemos pipelines revisions|diff|rollback` and `mnemos models rollback`: what was, what changed, and back again. */
import { CliError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { parseFormat, renderList, renderObject } from '../output.ts'
import { revisionColumns } from '../run-view.ts'
import type { Session } from '../session.ts'

export async function listRevisions({ globals, terminal, signal }: Invocation, session: Session, pipeline: string): Promise<ExitCode> {
  const format = parseFormat(globals.output)
  const items = await session.pipelines.revisions(pipeline, signal)
  const empty = `Pipeline ${pipeline} has no revision yet; see: mnemos pipelines get ${pipeline}`
  const name = (revision: { readonly name: string }): string => `controllerrevision.apps/${revision.name}`
  terminal.write(await renderList({ items, columns: revisionColumns(Date.now()), name, empty }, format))
  return exitCodes.ok
}

export interface DiffOf {
  readonly pipeline: string
  /** The one before the other, when absent. */
  readonly from?: number
  /** The one in force, when absent. */
  readonly to?: number
}

export async function diffRevisions({ globals, terminal, signal }: Invocation, session: Session, of: DiffOf): Promise<ExitCode> {
  const format = parseFormat(globals.output)
  const to = of.to ?? (await currentRevision(session, of.pipeline, signal))
  const from = of.from ?? (await revisionBefore(session, of.pipeline, to, signal))
  const diff = await session.pipelines.diff(of.pipeline, { from, to }, signal)
  if (format === 'json' || format === 'yaml') terminal.write(await renderObject(diff, format))
  else if (format === 'name') for (const { pointer } of diff.changes) terminal.write(`${pointer}\n`)
  else if (diff.changes.length === 0) terminal.say(`revisions ${from} and ${to} of ${of.pipeline} are the same`)
  else for (const line of diff.text.trimEnd().split('\n')) terminal.write(`${paintedDiff(line, terminal.paintData)}\n`)
  return exitCodes.ok
}

function paintedDiff(line: string, paint: (colour: 'green' | 'red' | 'cyan', text: string) => string): string {
  if (line.startsWith('@@')) return paint('cyan', line)
  if (line.startsWith('+')) return paint('green', line)
  return line.startsWith('-') ? paint('red', line) : line
}

export async function rollbackPipeline(
  { globals, terminal, signal }: Invocation,
  session: Session,
  pipeline: string,
  to?: number,
): Promise<ExitCode> {
  const format = parseFormat(globals.output)
  const revision = to ?? (await revisionBefore(session, pipeline, await currentRevision(session, pipeline, signal), signal))
  const changed = await session.pipelines.rollback(pipeline, revision, signal)
  if (format === 'json' || format === 'yaml') terminal.write(await renderObject(changed, format))
  else terminal.write(`mnemospipeline.mnemos.dev/${pipeline} has the spec of revision ${revision} again\n`)
  return exitCodes.ok
}

export async function rollbackModel({ globals, terminal, signal }: Invocation, session: Session, name: string): Promise<ExitCode> {
  const format = parseFormat(globals.output)
  const model = await session.pipelines.rollbackModel(name, signal)
  if (format === 'json' || format === 'yaml') terminal.write(await renderObject(model, format))
  else terminal.write(`mnemosmodel.mnemos.dev/${name} stands for ${model.spec.source.uri} again\n`)
  return exitCodes.ok
}

async function currentRevision(session: Session, pipeline: string, signal: AbortSignal): Promise<number> {
  const revisions = await session.pipelines.revisions(pipeline, signal)
  const current = revisions.find(({ isCurrent }) => isCurrent) ?? revisions[0]
  return current?.revision ?? noRevision(`Pipeline ${pipeline} has no revision yet`, `mnemos pipelines get ${pipeline}`)
}

async function revisionBefore(session: Session, pipeline: string, revision: number, signal: AbortSignal): Promise<number> {
  const older = (await session.pipelines.revisions(pipeline, signal)).filter((each) => each.revision < revision)
  const [newest] = older.toSorted((a, b) => b.revision - a.revision)
  return newest?.revision ?? noRevision(`Pipeline ${pipeline} has no revision before ${revision}`, `mnemos pipelines revisions ${pipeline}`)
}

function noRevision(message: string, hint: string): never {
  throw new CliError(message, { code: 'MNEMOS_NOT_FOUND', exitCode: exitCodes.notFound, hint })
}
