/**
 * What GitOps tools make of our objects in every phase: kstatus itself (Flux, Helm, kubectl) and our health script in the
 * interpreter that Argo CD runs it in, both in one Go program (hack/health).
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { kinds, phases, runPhases } from '@mnemos/api'
import { parse } from 'yaml'
import { healthVerdicts, luaReturns } from './go-tools.fixture.ts'

type Condition = readonly [type: string, status: 'True' | 'False', reason: string]
interface Row {
  readonly kind: string
  readonly status?: object
  readonly conditions?: readonly Condition[]
  readonly metadata?: object
  /** What kstatus says, and what Argo CD shows. */
  readonly want: readonly [kstatus: string, health: string]
}

const inProgress = ['InProgress', 'Progressing'] as const
const current = ['Current', 'Healthy'] as const
const failed = ['Failed', 'Degraded'] as const

const rows: Record<string, Row> = {
  'Job Pending, before anybody looked': {
    kind: 'Job',
    status: kinds.find(({ kind }) => kind === 'Job')?.statusDefault ?? {},
    want: inProgress,
  },
  'Job Pending, waiting for a worker': {
    kind: 'Job',
    status: { phase: 'Pending' },
    conditions: [['Reconciling', 'True', 'NoWorker']],
    want: inProgress,
  },
  'Job Pending, held by a person': {
    kind: 'Job',
    status: { phase: 'Pending' },
    conditions: [['Reconciling', 'True', 'Suspended']],
    want: ['InProgress', 'Suspended'],
  },
  'Job Retrying': { kind: 'Job', status: { phase: 'Retrying' }, conditions: [['Reconciling', 'True', 'BackingOff']], want: inProgress },
  'Job Scheduled': { kind: 'Job', status: { phase: 'Scheduled' }, conditions: [['Placed', 'True', 'Scheduled']], want: current },
  'Job Running': {
    kind: 'Job',
    status: { phase: 'Running' },
    conditions: [
      ['Placed', 'True', 'Running'],
      ['Started', 'True', 'Running'],
    ],
    want: current,
  },
  'Job Succeeded': { kind: 'Job', status: { phase: 'Succeeded' }, conditions: [['Succeeded', 'True', 'Succeeded']], want: current },
  'Job Cancelled': { kind: 'Job', status: { phase: 'Cancelled' }, conditions: [['Succeeded', 'False', 'Cancelled']], want: current },
  'Job Failed': {
    kind: 'Job',
    status: { phase: 'Failed' },
    conditions: [
      ['Succeeded', 'False', 'RetriesExhausted'],
      ['Stalled', 'True', 'RetriesExhausted'],
      ['DeadLettered', 'True', 'RetriesExhausted'],
    ],
    want: failed,
  },
  'Job edited since': { kind: 'Job', status: { observedGeneration: 1 }, metadata: { generation: 2 }, want: inProgress },
  'Job being deleted': { kind: 'Job', metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' }, want: ['Terminating', 'Progressing'] },
  'Model Pending': { kind: 'Model', status: { phase: 'Pending', observedGeneration: 0 }, want: inProgress },
  'Model Importing': {
    kind: 'Model',
    status: { phase: 'Importing' },
    conditions: [
      ['Ready', 'False', 'Importing'],
      ['Reconciling', 'True', 'Importing'],
    ],
    want: inProgress,
  },
  'Model Ready': {
    kind: 'Model',
    status: { phase: 'Ready' },
    conditions: [
      ['Ready', 'True', 'ArtifactVerified'],
      ['ArtifactVerified', 'True', 'ArtifactVerified'],
    ],
    want: current,
  },
  'Model Failed': {
    kind: 'Model',
    status: { phase: 'Failed' },
    conditions: [
      ['Ready', 'False', 'DigestMismatch'],
      ['Stalled', 'True', 'DigestMismatch'],
    ],
    want: failed,
  },
  'Queue that nobody counts': { kind: 'Queue', want: current },
  'Queue with Jobs': { kind: 'Queue', status: { pending: 3, running: 1 }, want: current },
  'WorkerPool rolling out': {
    kind: 'WorkerPool',
    conditions: [
      ['Ready', 'True', 'WorkersReady'],
      ['Reconciling', 'True', 'RollingOut'],
    ],
    want: inProgress,
  },
  'WorkerPool that is external and has no worker': { kind: 'WorkerPool', conditions: [['Ready', 'False', 'NoWorkers']], want: inProgress },
  'WorkerPool with its workers': { kind: 'WorkerPool', conditions: [['Ready', 'True', 'WorkersReady']], want: current },
  'WorkerPool scaled to zero': { kind: 'WorkerPool', conditions: [['Ready', 'True', 'ScaledToZero']], want: current },
  'WorkerPool without an image': {
    kind: 'WorkerPool',
    conditions: [
      ['Ready', 'False', 'NoWorkerImage'],
      ['Stalled', 'True', 'NoWorkerImage'],
    ],
    want: failed,
  },
  'Policy in force': { kind: 'Policy', conditions: [['Ready', 'True', 'InForce']], want: current },
  'Policy whose rule cannot be judged': {
    kind: 'Policy',
    conditions: [
      ['Ready', 'False', 'DoesNotCompile'],
      ['Stalled', 'True', 'DoesNotCompile'],
    ],
    want: failed,
  },
  'ClusterPolicy in force': { kind: 'ClusterPolicy', conditions: [['Ready', 'True', 'InForce']], want: current },
  'Schema in force': { kind: 'Schema', conditions: [['Ready', 'True', 'VersionInForce']], want: current },
  'Schema whose new document is refused': {
    kind: 'Schema',
    conditions: [
      ['Ready', 'False', 'DocumentDoesNotCompile'],
      ['Stalled', 'True', 'DocumentDoesNotCompile'],
    ],
    want: failed,
  },
  'Pipeline in force': { kind: 'Pipeline', conditions: [['Ready', 'True', 'RevisionInForce']], want: current },
  'Pipeline that is wrong': {
    kind: 'Pipeline',
    conditions: [
      ['Ready', 'False', 'GraphInvalid'],
      ['GraphValid', 'False', 'GraphInvalid'],
      ['Stalled', 'True', 'GraphInvalid'],
    ],
    want: failed,
  },
  'PipelineRun Pending, before anybody looked': {
    kind: 'PipelineRun',
    status: kinds.find(({ kind }) => kind === 'PipelineRun')?.statusDefault ?? {},
    want: inProgress,
  },
  'PipelineRun Running': {
    kind: 'PipelineRun',
    status: { phase: 'Running' },
    conditions: [['Started', 'True', 'StepsRunning']],
    want: current,
  },
  'PipelineRun Paused, for a decision': {
    kind: 'PipelineRun',
    status: { phase: 'Paused' },
    conditions: [['Reconciling', 'True', 'ApprovalNeeded']],
    want: ['InProgress', 'Suspended'],
  },
  'PipelineRun Paused, by a person': {
    kind: 'PipelineRun',
    status: { phase: 'Paused' },
    conditions: [['Reconciling', 'True', 'RunSuspended']],
    want: ['InProgress', 'Suspended'],
  },
  'PipelineRun Succeeded': {
    kind: 'PipelineRun',
    status: { phase: 'Succeeded' },
    conditions: [['Succeeded', 'True', 'StepsSucceeded']],
    want: current,
  },
  'PipelineRun Cancelled': {
    kind: 'PipelineRun',
    status: { phase: 'Cancelled' },
    conditions: [['Succeeded', 'False', 'RunCancelled']],
    want: current,
  },
  'PipelineRun Failed': {
    kind: 'PipelineRun',
    status: { phase: 'Failed' },
    conditions: [
      ['Succeeded', 'False', 'StepFailed'],
      ['Stalled', 'True', 'StepFailed'],
    ],
    want: failed,
  },
  'Worker Available': { kind: 'Worker', status: { state: 'Available' }, conditions: [['Ready', 'True', 'Connected']], want: current },
  'Worker Offline': { kind: 'Worker', status: { state: 'Offline' }, conditions: [['Ready', 'False', 'Offline']], want: inProgress },
}

const healthPath = 'examples/gitops/argocd/health.lua'
const verdicts = await healthVerdicts(await readFile(healthPath, 'utf8'), Object.values(rows).map(objectOf))

Object.entries(rows).forEach(([name, { want }], at) => {
  test(name, () => assert.deepEqual([verdicts[at]?.kstatus, verdicts[at]?.health], want))
})

test('every kind, and every phase of a Job and of a run, has a row', () => {
  const shown = Object.values(rows)
  assert.deepEqual(
    kinds.map(({ kind }) => kind).filter((kind) => !shown.some((row) => row.kind === kind)),
    [],
  )
  const lacking = (of: string, all: readonly string[]): readonly string[] =>
    all.filter(
      (phase) => !shown.some(({ kind, status }) => kind === of && status !== undefined && 'phase' in status && status.phase === phase),
    )
  assert.deepEqual([lacking('Job', phases), lacking('PipelineRun', runPhases)], [[], []])
})

test('the message that a person reads is that of the condition', () => {
  const failedJob = Object.keys(rows).indexOf('Job Failed')
  assert.equal(verdicts[failedJob]?.message, 'because RetriesExhausted')
})

function objectOf({ kind, metadata, status, conditions = [] }: Row): object {
  const lastTransitionTime = '2026-01-01T00:00:00Z'
  const given = conditions.map(([type, is, reason]) => ({ type, status: is, reason, message: `because ${reason}`, lastTransitionTime }))
  const whole = { observedGeneration: 1, ...(given.length === 0 ? {} : { conditions: given }), ...status }
  return {
    apiVersion: 'mnemos.dev/v1alpha1',
    kind,
    metadata: { name: 'x', generation: 1, ...metadata },
    ...(kind === 'Queue' && status === undefined ? {} : { status: whole }),
  }
}

interface Actions {
  readonly 'discovery.lua': string
  readonly definitions: readonly { readonly name: string; readonly 'action.lua': string }[]
}

const actionsOf = async (kind: string): Promise<Actions> =>
  parse(await readFile(`examples/gitops/argocd/actions/${kind.toLowerCase()}.yaml`, 'utf8')) as Actions // ours

/** What Argo CD offers for an object. */
async function offered(kind: string, object: object): Promise<readonly string[]> {
  const [found = {}] = await luaReturns((await actionsOf(kind))['discovery.lua'], [object])
  return Object.entries(found)
    .filter(([, about]) => !(about as { disabled: boolean }).disabled)
    .map(([name]) => name)
    .sort()
}

const job = (phase: string, spec: object = {}): object => ({
  kind: 'Job',
  metadata: { name: 'x' },
  spec,
  status: { phase, conditions: [] },
})
const offers: Record<string, readonly [kind: string, object: object, want: readonly string[]]> = {
  'a Job that waits can be suspended and cancelled': ['Job', job('Pending'), ['cancel', 'suspend']],
  'a Job that nobody looked at yet, too': ['Job', { kind: 'Job', spec: {} }, ['cancel', 'suspend']],
  'a Job that runs can be cancelled': ['Job', job('Running'), ['cancel']],
  'a Job that is held can be let go': ['Job', job('Pending', { suspend: true }), ['cancel', 'resume']],
  'a Job that has ended can do nothing more': ['Job', job('Failed'), []],
  'a Worker can drain': ['Worker', { kind: 'Worker', spec: {} }, ['drain']],
  'a Worker that drains can take work again': ['Worker', { kind: 'Worker', spec: { drain: true } }, ['take-work']],
}
for (const [sentence, [kind, object, want]] of Object.entries(offers)) {
  test(`Argo CD: ${sentence}`, async () => {
    assert.deepEqual(await offered(kind, object), want)
  })
}

test('an action of Argo CD changes its field and nothing else', async () => {
  const wanted: Record<string, Record<string, object>> = {
    Job: { suspend: { suspend: true }, resume: { suspend: false }, cancel: { cancel: true } },
    Worker: { drain: { drain: true }, 'take-work': { drain: false } },
  }
  for (const [kind, byName] of Object.entries(wanted)) {
    const { definitions } = await actionsOf(kind)
    assert.deepEqual(definitions.map(({ name }) => name).sort(), Object.keys(byName).sort())
    for (const { name, 'action.lua': lua } of definitions) {
      const object = { kind, metadata: { name: 'x', labels: { a: 'b' } }, spec: { queue: 'q', dependsOn: ['y', 'z'] } }
      assert.deepEqual(await luaReturns(lua, [object]), [{ ...object, spec: { ...object.spec, ...byName[name] } }], name)
    }
  }
})
