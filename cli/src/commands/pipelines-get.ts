/** `mnemos pipelines list|get|create|delete`: the Pipelines themselves. What they do is shown as a tree. */
import { readFile } from 'node:fs/promises'
import { text as textOf } from 'node:stream/consumers'
import { apiVersion } from '@mnemos/api'
import { CliError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { parseFormat, renderList, renderObject } from '../output.ts'
import { shownSteps } from '../run-steps.ts'
import { stepTree } from '../run-tree.ts'
import { pipelineColumns, pipelineName, pipelinePage } from '../run-view.ts'
import type { Session } from '../session.ts'
import { documentsOf } from '../yaml-files.ts'

export async function listPipelines({ globals, terminal, signal }: Invocation, session: Session): Promise<ExitCode> {
  const format = parseFormat(globals.output)
  const items = await session.pipelines.list(signal)
  const empty = `No Pipelines in namespace ${session.namespace}. Create one: mnemos pipelines create -f FILE`
  terminal.write(await renderList({ items, columns: pipelineColumns(Date.now()), name: pipelineName, empty }, format))
  return exitCodes.ok
}

export async function getPipeline({ globals, terminal, signal }: Invocation, session: Session, name: string): Promise<ExitCode> {
  const format = parseFormat(globals.output)
  const pipeline = await session.pipelines.get(name, signal)
  if (format === 'json' || format === 'yaml') terminal.write(await renderObject(pipeline, format))
  else if (format === 'name') terminal.write(`${pipelineName(pipeline)}\n`)
  else {
    const now = Date.now()
    const tree = stepTree(shownSteps(pipeline.spec), { width: terminal.dataColumns(), now, paint: terminal.paintData })
    terminal.write(pipelinePage(pipeline, tree, now))
  }
  return exitCodes.ok
}

export async function createPipelines({ globals, terminal, signal }: Invocation, session: Session, path: string): Promise<ExitCode> {
  const format = parseFormat(globals.output)
  const text = path === '-' ? await textOf(process.stdin) : await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) throw usage(`the file ${path} cannot be read`)
  const pipelines = (await documentsOf(text, path)).filter((document) => document !== null).map((document) => asPipeline(document, path))
  if (pipelines.length === 0) throw usage(`${path} is empty`)
  for (const pipeline of pipelines) {
    const namespace = pipeline.metadata?.namespace
    const created = await session.inNamespace(namespace).pipelines.create(pipeline, signal)
    if (format === 'json' || format === 'yaml') terminal.write(await renderObject(created, format))
    else terminal.write(format === 'name' ? `${pipelineName(created)}\n` : `${pipelineName(created)} created\n`)
  }
  return exitCodes.ok
}

export async function deletePipelines({ terminal, signal }: Invocation, session: Session, names: readonly string[]): Promise<ExitCode> {
  for (const name of names) {
    await session.pipelines.remove(name, signal)
    terminal.write(`mnemospipeline.mnemos.dev/${name} deleted\n`)
  }
  return exitCodes.ok
}

/** The form of documents that were written for other programs; the server converts it. */
const olderApiVersion = 'synkron.mnemos.dev/v1'

interface WrittenPipeline {
  readonly apiVersion: string
  readonly metadata?: { readonly namespace?: string }
}

/** Only the envelope is looked at here: the server judges the rest and names each field. */
function asPipeline(document: unknown, path: string): WrittenPipeline {
  const isObject = typeof document === 'object' && document !== null && 'apiVersion' in document
  const isOurs = isObject && document.apiVersion === apiVersion && 'kind' in document && document.kind === 'Pipeline'
  if (isObject && (isOurs || document.apiVersion === olderApiVersion)) return document as WrittenPipeline // judged by the server
  throw usage(`${path} holds something that is no Pipeline of ${apiVersion} or ${olderApiVersion}; apply other kinds with kubectl apply`)
}

function usage(message: string): CliError {
  return new CliError(message, { code: 'MNEMOS_USAGE', exitCode: exitCodes.usage, hint: 'mnemos pipelines create --help' })
}
