/** `mnemos jobs submit`: one Job from words on the command line, or the Jobs of a file. */
import { readFile } from 'node:fs/promises'
import { apiVersion, type JobInput, type Priority, priorities } from '@mnemos/api'
import { CliError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { jobName } from '../job-view.ts'
import { parseFormat, renderObject } from '../output.ts'
import { connect } from '../session.ts'
import { waitForJob } from './jobs-wait.ts'

/** Flags that shape the Job made from a prompt. */
export interface PromptOptions {
  readonly name?: string
  readonly maxTokens?: number
  readonly temperature?: number
  readonly seed?: number
  readonly queue?: string
  readonly priority?: string
  readonly system?: string
}

export interface SubmitOptions extends PromptOptions {
  readonly filename?: string
  readonly wait: boolean
}

export async function submitJobs(
  invocation: Invocation,
  model: string | undefined,
  prompt: string | undefined,
  options: SubmitOptions,
): Promise<ExitCode> {
  const session = await connect(invocation)
  const { terminal, signal, globals } = invocation
  const jobs = options.filename === undefined ? [jobOf(model, prompt, session.namespace, options)] : await readJobs(options.filename)
  const format = parseFormat(globals.output)
  let code: ExitCode = exitCodes.ok
  for (const job of jobs) {
    const created = await session.jobs.submit(job, signal)
    if (format === 'json' || format === 'yaml') terminal.write(await renderObject(created, format))
    else terminal.write(format === 'name' ? `${jobName(created)}\n` : `${jobName(created)} created\n`)
    if (!options.wait) continue
    const ended = await waitForJob(invocation, session.inNamespace(created.metadata.namespace), created.metadata.name)
    code = ended === exitCodes.ok ? code : ended
  }
  return code
}

/** The Job that asks a model. @throws CliError when the model or the words are missing */
export function jobOf(model: string | undefined, prompt: string | undefined, namespace: string, options: PromptOptions): JobInput {
  if (model === undefined || prompt === undefined || prompt === '') {
    throw usage('a model and a prompt are needed: mnemos jobs submit MODEL "prompt", or -f FILE')
  }
  const priority = priorities.find((known) => known === options.priority)
  if (options.priority !== undefined && priority === undefined) {
    throw usage(`--priority ${options.priority} does not exist; choose one of ${priorities.join(', ')}`)
  }
  const asked =
    options.system === undefined
      ? { prompt }
      : {
          messages: [
            { role: 'system' as const, content: options.system },
            { role: 'user' as const, content: prompt },
          ],
        }
  return {
    apiVersion,
    kind: 'Job',
    metadata: { name: options.name ?? generatedName(model), namespace },
    spec: {
      inference: { modelRef: referenceOf(model), ...asked, parameters: parametersOf(options) },
      ...(options.queue === undefined ? {} : { queue: options.queue }),
      ...(priority === undefined ? {} : { priority: priority satisfies Priority }),
    },
  }
}

/** `models/smol` names a Model of another namespace, as kubectl's NAMESPACE/NAME. */
function referenceOf(model: string): { name: string; namespace?: string } {
  const [first = '', second] = model.split('/')
  return second === undefined ? { name: first } : { namespace: first, name: second }
}

function parametersOf(options: PromptOptions): { maxTokens?: number; temperature?: number; seed?: number } {
  return {
    ...(options.maxTokens === undefined ? {} : { maxTokens: options.maxTokens }),
    ...(options.temperature === undefined ? {} : { temperature: options.temperature }),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
  }
}

function generatedName(model: string): string {
  const base = (model.split('/').pop() ?? model).replaceAll(/[^a-z0-9-]/g, '-').slice(0, 40)
  return `${base}-${crypto.randomUUID().slice(0, 8)}`
}

/** @throws CliError when the file is missing, is no YAML, or holds something other than Jobs */
async function readJobs(path: string): Promise<JobInput[]> {
  const text = path === '-' ? await readAll(process.stdin) : await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) throw usage(`the file ${path} cannot be read`)
  const { parseAllDocuments } = await import('yaml')
  return parseAllDocuments(text).map((document) => {
    const [error] = document.errors
    if (error !== undefined) throw usage(`${path}: ${error.message}`)
    const object: unknown = document.toJS()
    if (!isJob(object))
      throw usage(`${path}: holds something that is no Job of ${apiVersion}; apply other kinds with kubectl apply -f ${path}`)
    return object
  })
}

/** Only the envelope is looked at here: the server judges the rest and names each field. */
function isJob(object: unknown): object is JobInput {
  return (
    typeof object === 'object' &&
    object !== null &&
    'kind' in object &&
    object.kind === 'Job' &&
    'apiVersion' in object &&
    object.apiVersion === apiVersion
  )
}

async function readAll(stream: AsyncIterable<Uint8Array | string>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}

function usage(message: string): CliError {
  return new CliError(message, { code: 'MNEMOS_USAGE', exitCode: exitCodes.usage, hint: 'mnemos jobs submit --help' })
}
