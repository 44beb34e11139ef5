/** What a user of the quickstart does beside kubectl: run the CLI, read a Job's status, listen to its stream. */
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JobStatus, ModelStatus } from '@mnemos/api'
import type { DevProcess } from '../../hack/demo/dev-process.ts'
import { environment, kubectl } from '../../hack/demo/kubectl.ts'

export interface RanCli {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** Writes to stdout that arrived apart. */
  readonly chunks: number
}

/** Runs the CLI as a process of its own. */
export async function mnemos(dev: DevProcess, args: readonly string[]): Promise<RanCli> {
  const child = spawn(process.execPath, [join(dev.root, 'cli/src/main.ts'), ...args], {
    cwd: dev.root,
    env: { ...environment(dev), MNEMOS_SERVER: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  let chunks = 0
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
    chunks += 1
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return { code, stdout, stderr, chunks }
}

type AnyStatus = Partial<JobStatus> & Partial<Pick<ModelStatus, 'digest'>> & { readonly phase?: string }

/** The status of an object as the API server returns it. @throws when there is no such object */
export async function statusOf(dev: DevProcess, resource: string, name: string): Promise<Omit<AnyStatus, 'phase'> & { phase?: string }> {
  const shown = await kubectl(dev, ['get', resource, name, '-n', 'default', '-o', 'json'])
  if (shown.code !== 0) throw new Error(shown.stderr)
  return (JSON.parse(shown.stdout) as { status?: AnyStatus }).status ?? {} // as the API server printed it
}

export interface StreamedEvent {
  readonly event: string
  readonly id: string
  readonly data: { readonly text?: string; readonly index?: number }
  /** When it arrived, on performance.now()'s clock. */
  readonly at: number
}

/** Reads `GET /v1/jobs/{name}/stream` to its end, with the time at which each event arrived. */
export async function readStream(dev: DevProcess, name: string): Promise<StreamedEvent[]> {
  const config = JSON.parse(await readFile(dev.record.kubeconfig, 'utf8')) as { users: readonly [{ user: { token: string } }] } // hack/cluster wrote it
  const response = await fetch(`${dev.record.server}/v1/jobs/${name}/stream?namespace=default`, {
    headers: { authorization: `Bearer ${config.users[0].user.token}`, accept: 'text/event-stream' },
    signal: AbortSignal.timeout(120_000),
  })
  if (!response.ok || response.body === null) throw new Error(`the stream of ${name}: ${response.status} ${await response.text()}`)
  const events: StreamedEvent[] = []
  let rest = ''
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split('\n\n')
    rest = blocks.pop() ?? ''
    events.push(...blocks.flatMap(parseBlock))
  }
  return events
}

function parseBlock(block: string): StreamedEvent[] {
  const fields = new Map(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]))
  const event = fields.get('event')
  if (event === undefined) return []
  const data = JSON.parse(fields.get('data') ?? '{}') as StreamedEvent['data'] // the server's own JSON
  return [{ event, id: fields.get('id') ?? '', data, at: performance.now() }]
}
