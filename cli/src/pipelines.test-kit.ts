/** For tests of what is about pipelines: a pipeline that forks and meets, runs of it, a terminal that remembers, and a server that is none. */
import { Writable } from 'node:stream'
import type { Job, Pipeline, PipelineRun, PipelineRunStatus, RunStepStatus } from '@mnemos/api'
import { parseCliConfig } from './config.ts'
import type { Invocation } from './invocation.ts'
import type { PipelinesApi } from './pipelines-api.ts'
import type { Session } from './session.ts'
import { createTerminal, type Terminal } from './terminal.ts'

export const now = Date.UTC(2026, 0, 1, 12, 0, 0)

/** `read` → two questions, one of them over a list → `vote` → a person → `publish`; `tidy` at the end. */
export const ensembleSpec = {
  parameters: [
    { name: 'topic', type: 'string' as const },
    { name: 'files', type: 'list' as const, default: ['artifact://files/a'] },
    { name: 'rounds', type: 'integer' as const, default: 3, maximum: 9 },
  ],
  steps: [
    { name: 'read', container: { image: 'reader:1', args: ['$(params.topic)'] } },
    { name: 'ask', inference: { modelRef: { name: 'smol' }, prompt: '$(steps.read.outputs.text)' } },
    {
      name: 'each',
      forEach: { items: '$(params.files)', maxFailed: 0 },
      dependsOn: ['read'],
      inference: { modelRef: { name: 'smol' }, prompt: '$(item)' },
    },
    { name: 'vote', container: { image: 'vote:1', args: ['$(steps.ask.outputs.text)', '$(steps.each.outputs.text)'] } },
    { name: 'review', dependsOn: ['vote'], approval: { byOther: false } },
    { name: 'go', dependsOn: ['review'], gate: { expression: 'true' } },
  ],
  finally: [{ name: 'tidy', container: { image: 'tidy:1' } }],
  revisionHistoryLimit: 10,
} satisfies Pipeline['spec']

export function aPipeline(name = 'ensemble'): Pipeline {
  return {
    apiVersion: 'mnemos.dev/v1alpha1',
    kind: 'Pipeline',
    metadata: { name, namespace: 'default', creationTimestamp: '2026-01-01T11:00:00Z' },
    spec: ensembleSpec,
    status: {
      ...{ observedGeneration: 1, revision: 2, revisionName: `${name}-2`, steps: 6 },
      conditions: [because('Ready', 'True', 'RevisionInForce', 'Revision 2 is in force.')],
    },
  }
}

export function because(
  type: string,
  status: 'True' | 'False' | 'Unknown',
  reason: string,
  message: string,
): PipelineRunStatus['conditions'][number] {
  return { type, status, reason, message, observedGeneration: 1, lastTransitionTime: '2026-01-01T11:59:00Z' }
}

/** A run of revision 2 that began 90 s ago. */
export function aRun(
  phase: PipelineRunStatus['phase'],
  steps: readonly RunStepStatus[] = [],
  { spec = {}, ...status }: Partial<PipelineRunStatus> & { spec?: Partial<PipelineRun['spec']> } = {},
): PipelineRun {
  return {
    apiVersion: 'mnemos.dev/v1alpha1',
    kind: 'PipelineRun',
    metadata: { name: 'ensemble-7', namespace: 'default', creationTimestamp: '2026-01-01T11:58:00Z' },
    spec: { pipelineRef: { name: 'ensemble' }, priority: 'normal', suspend: false, cancel: false, ...spec },
    status: {
      ...{ phase, observedGeneration: 1, revision: 2, startedAt: '2026-01-01T11:58:30Z', conditions: [] },
      ...status,
      steps: [...steps],
    },
  }
}

export interface Remembered {
  readonly terminal: Terminal
  readonly out: () => string
  readonly err: () => string
}

/** @param size of a terminal for people; without it the output is a file */
export function remembering(size?: { readonly columns: number; readonly rows: number }): Remembered {
  const written = { out: '', err: '' }
  const stream = (to: keyof typeof written): Writable =>
    Object.assign(
      new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          written[to] += chunk.toString('utf8')
          done()
        },
      }),
      { isTTY: size !== undefined, ...size },
    )
  const terminal = createTerminal({ stdout: stream('out'), stderr: stream('err'), colour: false })
  return { terminal, out: () => written.out, err: () => written.err }
}

export function anInvocation(terminal: Terminal, output?: string): Invocation {
  return {
    globals: { color: false, ...(output === undefined ? {} : { output }) },
    config: parseCliConfig({}),
    terminal,
    signal: new AbortController().signal,
  }
}

/** A session that knows only what it is given; anything else that is asked for fails the test. */
export function aSession(
  pipelines: Partial<PipelinesApi>,
  jobs: Readonly<Record<string, Job>> = {},
  files: Partial<Session['files']> = {},
): Session {
  const known = <T extends object>(parts: Partial<T>): T =>
    new Proxy(parts, {
      get: (target, name) => {
        const part: unknown = Reflect.get(target, name)
        if (part !== undefined) return part
        throw new Error(`the test does not expect ${String(name)}`)
      },
    }) as T // Proxies have the type of what they stand for.
  const session: Session = {
    namespace: 'default',
    server: 'http://127.0.0.1:1',
    pipelines: known(pipelines),
    jobs: known<Session['jobs']>({
      get: (name) => {
        const job = jobs[name]
        return job === undefined ? Promise.reject(new Error(`there is no Job ${name}`)) : Promise.resolve(job)
      },
      result: () => Promise.resolve('{"text":"an answer"}'),
    }),
    files: known(files),
    inNamespace: () => session,
  }
  return session
}
