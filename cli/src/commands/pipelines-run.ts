/**
 * `mnemos pipelines run NAME`: a run, with parameters from words, a file and folders of files.
 *
 * Everything that is wrong with them is told before anything is sent. Files are uploaded before the run is made, under its name.
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Priority, priorities } from '@mnemos/api'
import { outlineOf, type ParameterValues } from '@mnemos/domain'
import { CliError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { someAtOnce, TransferProgress, type Upload, upload } from '../file-transfer.ts'
import type { Invocation } from '../invocation.ts'
import { parseFormat, renderObject } from '../output.ts'
import { isRecord, readOverrides, readParameters, splitPair } from '../parameter-values.ts'
import type { ShownRun } from '../run-steps.ts'
import { outputLines, runName, type ShownPipeline } from '../run-view.ts'
import type { Session } from '../session.ts'
import { documentsOf } from '../yaml-files.ts'
import { exitCodeOfRun, waitForRun } from './pipelines-wait.ts'

export interface ChangeFlags {
  readonly param: readonly string[]
  readonly params?: string
  readonly name?: string
  readonly override: readonly string[]
  readonly model: readonly string[]
}

export interface WatchFlags {
  readonly wait: boolean
  readonly follow: boolean
}

export interface RunFlags extends ChangeFlags, WatchFlags {
  readonly revision?: number
  readonly files: readonly string[]
  readonly queue?: string
  readonly priority?: string
}

type Spec = ShownPipeline['spec']

export async function runPipeline(invocation: Invocation, session: Session, pipeline: string, flags: RunFlags): Promise<ExitCode> {
  const { signal } = invocation
  parseFormat(invocation.globals.output)
  const priority = priorityOf(flags.priority)
  const spec = await specToRun(session, pipeline, flags.revision, signal)
  const folders = await Promise.all(flags.files.map(readFolder))
  const overrides = readOverrides(outlineOf(spec), { images: flags.override, models: flags.model })
  const fromFile = flags.params === undefined ? {} : await readParameterFile(flags.params)
  const name = flags.name ?? generatedName(pipeline)
  // Judged with the names that the files will have, so that nothing is uploaded for a run that is refused.
  const planned = Object.fromEntries(folders.map(({ parameter, files }) => [parameter, files.map((file) => keyOf(name, parameter, file))]))
  readParameters(spec.parameters ?? [], { pairs: flags.param, fromFile, files: planned })
  const files = await uploaded(invocation, session, name, folders)
  const parameters = readParameters(spec.parameters ?? [], { pairs: flags.param, fromFile, files })
  const run = await session.pipelines.start(
    pipeline,
    {
      name,
      ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
      ...(flags.revision === undefined ? {} : { revision: flags.revision }),
      ...(flags.queue === undefined ? {} : { queue: flags.queue }),
      ...(priority === undefined ? {} : { priority }),
      ...(overrides.length === 0 ? {} : { overrides: [...overrides] }),
    },
    signal,
  )
  return afterStart(invocation, session, run, flags)
}

/** Names the new run, and waits for it or follows it when asked. */
export async function afterStart(
  invocation: Invocation,
  session: Session,
  started: ShownRun,
  { wait, follow }: WatchFlags,
): Promise<ExitCode> {
  const { terminal, globals } = invocation
  const format = parseFormat(globals.output)
  const isObject = format === 'json' || format === 'yaml'
  if (!isObject) terminal.write(format === 'name' ? `${runName(started)}\n` : `${runName(started)} created\n`)
  if (!wait && !follow) {
    if (isObject) terminal.write(await renderObject(started, format))
    else terminal.say(`  next: mnemos pipelines graph ${started.metadata.name} --watch`)
    return exitCodes.ok
  }
  const ended = await waitForRun(invocation, session, started, { isDrawn: follow })
  if (isObject) terminal.write(await renderObject(ended, format))
  else if (format !== 'name') for (const line of outputLines(ended).slice(1)) terminal.write(`${line}\n`)
  return exitCodeOfRun(ended)
}

async function specToRun(session: Session, pipeline: string, revision: number | undefined, signal: AbortSignal): Promise<Spec> {
  if (revision === undefined) return (await session.pipelines.get(pipeline, signal)).spec
  // A stored revision is a spec that was accepted once.
  return ((await session.pipelines.revision(pipeline, revision, signal)).spec ?? { steps: [] }) as Spec
}

/** @throws CliError for a file that holds no map of values */
export async function readParameterFile(path: string): Promise<ParameterValues> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) throw usage(`the file ${path} cannot be read`)
  const [values, second] = await documentsOf(text, path)
  if (isRecord(values) && second === undefined) return values
  throw usage(`${path} must hold one map of values by the names of parameters`)
}

interface Folder {
  readonly parameter: string
  readonly path: string
  readonly files: readonly string[]
}

/** The files of a folder, sorted by name; those of folders below it are left out, and so are hidden ones. */
async function readFolder(pair: string): Promise<Folder> {
  const { key: parameter, value: path } = splitPair(pair, '--files', 'param=FOLDER')
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined)
  if (entries === undefined) throw usage(`--files ${parameter}: there is no folder ${path}`)
  const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.')).map((entry) => entry.name)
  if (files.length === 0) throw usage(`--files ${parameter}: the folder ${path} has no files`)
  const odd = files.find((file) => !/^[A-Za-z0-9._-]+$/.test(file))
  if (odd !== undefined)
    throw usage(`--files ${parameter}: rename ${JSON.stringify(odd)}; names have letters, digits, dots, dashes and underscores`)
  return { parameter, path, files: files.toSorted() }
}

async function uploaded(
  { terminal, signal }: Invocation,
  session: Session,
  run: string,
  folders: readonly Folder[],
): Promise<Record<string, readonly string[]>> {
  const lists: Record<string, readonly string[]> = {}
  for (const { parameter, path, files } of folders) {
    const uploads = await Promise.all(
      files.map(async (name): Promise<Upload> => {
        const file = join(path, name)
        return { file, path: keyOf(run, parameter, name), sizeBytes: (await stat(file)).size }
      }),
    )
    const bytes = uploads.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    const progress = new TransferProgress(terminal, 'put', { files: uploads.length, bytes })
    const stored = await someAtOnce(uploads, (each) => upload(each, { files: session.files, progress, signal }))
    lists[parameter] = stored.map(({ uri }) => uri)
  }
  terminal.clearStatus()
  return lists
}

/** Of one run, so that files of the next run do not change under this one. */
const keyOf = (run: string, parameter: string, file: string): string => `${run}/${parameter}/${file}`

function priorityOf(asked: string | undefined): Priority | undefined {
  const priority = priorities.find((known) => known === asked)
  if (asked === undefined || priority !== undefined) return priority
  throw usage(`--priority ${asked} does not exist; choose one of ${priorities.join(', ')}`)
}

export function generatedName(pipeline: string): string {
  return `${pipeline.slice(0, 50).replace(/[-.]+$/, '')}-${crypto.randomUUID().slice(0, 8)}`
}

function usage(message: string): CliError {
  return new CliError(message, { code: 'MNEMOS_USAGE', exitCode: exitCodes.usage, hint: 'mnemos pipelines run --help' })
}
