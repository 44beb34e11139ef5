/** What a user of pipelines does with kubectl: apply, wait, look at runs, their Jobs and the Models that they registered. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import type { Job, Model, PipelineRun } from '@mnemos/api'
import { parse } from 'yaml'
import type { DevProcess } from '../../hack/demo/dev-process.ts'
import { kubectl as runKubectl } from '../../hack/demo/kubectl.ts'

/** Long enough for a busy machine; an example takes some seconds. */
const patience = '--timeout=120s'

export interface RunUser {
  /** @returns what it printed @throws when it fails */
  readonly kubectl: (...args: readonly string[]) => Promise<string>
  /** Makes a run like an example under another name, with other parameters. */
  readonly applyAs: (name: string, run: PipelineRun, parameters?: Readonly<Record<string, unknown>>) => Promise<void>
  /** Waits for a condition as `kubectl wait` knows it: `Succeeded`, or `Succeeded=False`. */
  readonly untilCondition: (run: string, condition: string) => Promise<PipelineRun>
  /** Waits until a run that goes on gives this reason, and says this. */
  readonly untilReason: (run: string, reason: string, says?: RegExp) => Promise<void>
  /** Waits until an alias is ready and leads to a Model. */
  readonly untilTarget: (alias: string, target: string) => Promise<void>
  readonly runNamed: (name: string) => Promise<PipelineRun>
  readonly modelNamed: (name: string) => Promise<Model>
  readonly jobsOf: (run: string, step: string) => Promise<readonly Job[]>
  readonly namesOf: (resource: string, selector?: string) => Promise<readonly string[]>
  readonly stepsOf: (run: PipelineRun) => Readonly<Record<string, string>>
  readonly outputsOf: (run: PipelineRun) => Readonly<Record<string, unknown>>
}

export async function readYaml(path: string): Promise<PipelineRun> {
  return parse(await readFile(path, 'utf8')) as PipelineRun // an example, which the API server judges
}

/** @param dev the `mnemos dev` that is used, once it is up */
export function runUser(dev: () => DevProcess): RunUser {
  const kubectl = async (args: readonly string[], input?: string): Promise<string> => {
    const ran = await runKubectl(dev(), args, input)
    assert.equal(ran.code, 0, `kubectl ${args.join(' ')}: ${ran.stderr}`)
    return ran.stdout
  }
  const get = async <T>(resource: string, ...args: readonly string[]): Promise<T> =>
    JSON.parse(await kubectl(['get', resource, ...args, '-o', 'json'])) as T // as the API server printed it
  const runNamed = (name: string): Promise<PipelineRun> => get('mnrun', name)
  return {
    kubectl: (...args) => kubectl(args),
    applyAs: async (name, { spec, ...run }, parameters = {}) => {
      const changed = { ...run, metadata: { ...run.metadata, name }, spec: { ...spec, parameters: { ...spec.parameters, ...parameters } } }
      await kubectl(['apply', '-f', '-'], JSON.stringify(changed))
    },
    untilCondition: async (run, condition) => {
      const waited = await runKubectl(dev(), ['wait', `mnrun/${run}`, `--for=condition=${condition}`, patience])
      const found = await runNamed(run)
      assert.equal(waited.code, 0, `${waited.stderr} ${JSON.stringify(found.status)}`)
      return found
    },
    untilReason: async (run, reason, says = /./) => {
      await kubectl(['wait', `mnrun/${run}`, `--for=jsonpath={.status.conditions[0].reason}=${reason}`, patience])
      const [condition] = (await runNamed(run)).status?.conditions ?? []
      assert.match(condition?.message ?? '', says)
    },
    untilTarget: async (alias, target) => {
      await kubectl(['wait', `mnmodel/${alias}`, `--for=jsonpath={.status.target}=${target}`, patience])
      await kubectl(['wait', `mnmodel/${alias}`, '--for=condition=Ready', patience])
    },
    runNamed,
    modelNamed: (name) => get('mnmodel', name),
    jobsOf: async (run, step) =>
      (await get<{ items: readonly Job[] }>('mnjob', '-l', `mnemos.dev/pipeline-run=${run},mnemos.dev/step=${step}`)).items,
    namesOf: async (resource, selector = '') =>
      (await get<{ items: readonly Job[] }>(resource, '-l', selector)).items.map(({ metadata }) => metadata.name),
    stepsOf: ({ status }) => Object.fromEntries((status?.steps ?? []).map(({ name, phase }) => [name, phase])),
    outputsOf: ({ status }) => Object.fromEntries((status?.outputs ?? []).map(({ name, value }) => [name, value])),
  }
}
