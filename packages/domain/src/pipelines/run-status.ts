/** The status of a run, short however many steps and instances there are, and the sentence that sums it up. */
import { type ConditionFact, formatTime, type PipelineRunStatus, type Reason, type RunPhase, type RunStepStatus } from '@mnemos/api'
import { encodePhases } from './fan-out.ts'
import { madeFiles } from './made-file.ts'
import { isEnded } from './progress.ts'
import type { Advance } from './run-advance.ts'
import type { Revision } from './run-pass.ts'
import type { StepView } from './run-steps.ts'
import { type RunWorld, startOf } from './run-world.ts'
import { substitute } from './substitute.ts'

const maxMessage = 512
const maxOutputBytes = 4096
const maxArtifacts = 64
const maxNamed = 4
const utf8 = new TextEncoder()

export const emptyStatus: PipelineRunStatus = { phase: 'Pending', observedGeneration: 0, steps: [], conditions: [] }

/** Where a run is, and why, in words. */
export interface Verdict {
  readonly phase: RunPhase
  readonly reason: Reason
  readonly message: string
}

export function factsOf({ phase, reason, message }: Verdict): ConditionFact[] {
  const fact = (type: ConditionFact['type'], status: ConditionFact['status']): ConditionFact => ({ type, status, reason, message })
  switch (phase) {
    // Who waits for a person is not stalled: GitOps tools would call that a failure.
    case 'Pending':
    case 'Paused':
      return [fact('Reconciling', 'True')]
    case 'Running':
      return [fact('Started', 'True')]
    case 'Succeeded':
      return [fact('Succeeded', 'True')]
    case 'Cancelled':
      return [fact('Succeeded', 'False')]
    case 'Failed':
      return [fact('Succeeded', 'False'), fact('Stalled', 'True')]
  }
}

/** Everything of the status that follows from the steps. */
export function statusOfSteps(world: RunWorld, { name, number, pipeline }: Revision, { views }: Advance, now: number): PipelineRunStatus {
  const before = world.run.status ?? emptyStatus
  const steps = [...pipeline.steps.keys()].flatMap((step) => {
    const view = views.get(step)
    return view === undefined || view.state.phase === 'Waiting' ? [] : [entryOf(step, view)]
  })
  return {
    ...before,
    revision: number,
    revisionName: name,
    startedAt: before.startedAt ?? formatTime(startOf(world) ?? now),
    progress: progressOf([...views.values()]),
    steps,
  }
}

function entryOf(name: string, { state, instances, job, run, message }: StepView): RunStepStatus {
  const said = message ?? instances?.message
  return {
    name,
    phase: state.phase,
    ...(state.phase === 'Skipped' ? { why: state.why } : {}),
    ...(job === undefined ? {} : { job }),
    ...(run === undefined ? {} : { run }),
    ...(instances === undefined || !instances.isWhole ? {} : { items: encodePhases(instances.phases) }),
    ...(said === undefined || said === '' ? {} : { message: said.slice(0, maxMessage) }),
  }
}

function progressOf(views: readonly StepView[]): NonNullable<PipelineRunStatus['progress']> {
  const pieces = views.flatMap(({ state, instances }) => (instances?.isWhole === true ? instances.phases : [state.phase]))
  const done = pieces.filter((phase) => phase !== 'Waiting' && phase !== 'Running').length
  const ended = views.filter(({ state }) => isEnded(state)).length
  return { jobs: `${done}/${pieces.length}`, percent: views.length === 0 ? 100 : Math.floor((100 * ended) / views.length) }
}

/** What is said of a run whose steps are at work. */
export function runningMessage({ views }: Advance): string {
  const named = (phase: string): readonly string[] => [...views].flatMap(([name, { state }]) => (state.phase === phase ? [name] : []))
  const ended = [...views.values()].filter(({ state }) => isEnded(state)).length
  return `${ended} of ${views.size} steps have ended; at work: ${listed(named('Running'))}.`
}

export function listed(names: readonly string[]): string {
  if (names.length === 0) return 'none'
  const more = names.length - maxNamed
  return more <= 0 ? names.join(', ') : `${names.slice(0, maxNamed).join(', ')} and ${more} more`
}

/** What the run leaves behind. An output that cannot be had, or is too large, is named without a value. */
export function outputsOf({ pipeline }: Revision, { values }: Advance): Pick<PipelineRunStatus, 'outputs'> {
  const wanted = pipeline.spec.outputs ?? []
  if (wanted.length === 0) return {}
  return {
    outputs: wanted.map(({ name, value }) => {
      const found = substitute(value, (reference) => values.resolve(reference))
      if ('missing' in found || found.value === undefined) return { name }
      return utf8.encode(JSON.stringify(found.value)).byteLength > maxOutputBytes ? { name } : { name, value: found.value }
    }),
  }
}

/** The first files that containers of this run left behind. */
export function artifactsOf({ pipeline }: Revision, { views }: Advance): Pick<PipelineRunStatus, 'artifacts'> {
  const artifacts: NonNullable<PipelineRunStatus['artifacts']> = []
  for (const [name, { work, instances }] of views) {
    const { outputs: said = [] } = pipeline.steps.get(name)?.spec ?? {}
    for (const [place, each] of work === undefined ? (instances?.work ?? []) : [[undefined, work] as const]) {
      if (artifacts.length >= maxArtifacts) return { artifacts }
      if (each.kind !== 'Job' || each.spec.container === undefined) continue
      for (const { output, key, sha256, sizeBytes } of madeFiles(each)) {
        const mediaType = said.find((about) => about.name === output)?.mediaType
        const of = place === undefined ? output : `${output}/${place}`
        const file = { name: `${name}/${of}`, uri: `artifact://${key}`, sha256, sizeBytes }
        if (artifacts.length < maxArtifacts) artifacts.push({ ...file, ...(mediaType === undefined ? {} : { mediaType }) })
      }
    }
  }
  return artifacts.length === 0 ? {} : { artifacts }
}
