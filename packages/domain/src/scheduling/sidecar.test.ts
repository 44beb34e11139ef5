import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ContainerWork, Job } from '@mnemos/api'
import { aJob, testEpochMs } from '@mnemos/testkit'
import type { Pod } from '../workers/cluster-objects.ts'
import { inputFiles } from './container-files.ts'
import { decideJob } from './job.ts'
import type { JobWorld, OwnPods } from './job-world.ts'
import { reportOf, type SidecarSettings } from './sidecar.ts'

const now = testEpochMs + 10_000
const prefix = 'outputs/default/uid-j/a1/'
const container: ContainerWork = { image: 'busybox', outputs: [{ name: 'data', path: '/out/data' }] }
const moving = aJob('j').running('busybox').with({ container })
const worker = { name: 'default/j-a1', instance: 'uid-j-a1' }
const issued = moving.thatIs('Scheduled', { attempt: 1, worker })
const settings: SidecarSettings = {
  image: 'mnemos:1',
  workerImage: 'worker:1',
  gpuWorkerImage: 'gpu:1',
  imagePullSecrets: [],
  imagePullPolicy: 'IfNotPresent',
  serverUrl: 'https://server:8080',
  authority: 'PEM',
  uploadSeconds: 600,
  maxOutputBytes: 1000,
}
const result = { uri: `artifact://${prefix}result.json`, sha256: 'a'.repeat(64), sizeBytes: 2, inline: '{}' }
const failure = { class: 'StorageUnavailable', reason: 'DownloadFailed', message: 'The server is away.' }

const said = (message: string | undefined, exitCode = 0) => ({
  name: 'mnemos',
  state: { terminated: { exitCode, ...(message === undefined ? {} : { message }) } },
})
const atWork = { name: 'mnemos', state: { running: {} } }
const main = { name: 'main', state: { terminated: { exitCode: 0 } } }
const over = (sidecar: object, phase = 'Succeeded'): Pod['status'] =>
  ({ phase, initContainerStatuses: [sidecar], containerStatuses: [main] }) as Pod['status']

function world(job: Job, status: Pod['status'] | undefined, own: Partial<OwnPods> = {}): JobWorld {
  const metadata = { name: 'j-a1', namespace: 'default', uid: 'uid-j-a1' }
  const pods: Pod[] = status === undefined ? [] : [{ apiVersion: 'v1', kind: 'Pod', metadata, status }]
  return {
    job,
    ...{
      model: undefined,
      modelAllowed: false,
      otherModels: [],
      queueExists: true,
      queueAllowed: true,
      dependencies: [],
      placement: undefined,
      emptyPools: [],
    },
    waiting: { position: 1, capable: 0, connected: 0, engine: undefined, startsPerSecond: 0 },
    ...{ worker: 'gone', report: undefined, strays: [] },
    own: { pods, nameIsHeld: false, absent: 'unmade', refusal: undefined, recordsLogs: false, sidecar: settings, ...own },
  }
}

interface Case {
  readonly world: JobWorld
  /** Undefined: nothing is written. */
  readonly wantPhase: string | undefined
  readonly wantClass?: string
  readonly wantReason?: string
  readonly wantRemoved?: readonly string[]
}

const cases: Record<string, Case> = {
  'what the sidecar kept is the result': { world: world(issued.build(), over(said(JSON.stringify({ result })))), wantPhase: 'Succeeded' },
  'a sidecar that left no report has lost the outputs': {
    world: world(issued.build(), over(said(undefined, 137))),
    wantPhase: 'Retrying',
    wantClass: 'StorageUnavailable',
  },
  'a result in the place of another Job is none': {
    world: world(issued.build(), over(said(JSON.stringify({ result: { ...result, uri: 'artifact://outputs/other/uid/a1/result.json' } })))),
    wantPhase: 'Retrying',
    wantClass: 'StorageUnavailable',
  },
  'a sidecar that is still at work is waited for': { world: world(issued.build(), over(atWork)), wantPhase: undefined },
  'what the container failed of comes before what the sidecar lacks': {
    world: world(issued.build(), {
      phase: 'Failed',
      initContainerStatuses: [said(JSON.stringify({ failure }), 1)],
      containerStatuses: [{ name: 'main', state: { terminated: { exitCode: 3 } } }],
    }),
    wantPhase: 'Retrying',
    wantClass: 'ContainerFailed',
  },
  'inputs that cannot be brought end the attempt': {
    world: world(issued.build(), {
      phase: 'Pending',
      initContainerStatuses: [
        { name: 'mnemos', state: { running: {} }, lastState: { terminated: { message: JSON.stringify({ failure }) } } },
      ],
    }),
    wantPhase: 'Retrying',
    wantClass: 'StorageUnavailable',
  },
  'the pod of an attempt that ended so is removed': {
    world: world(moving.thatIs('Retrying', { attempt: 1, worker, retryAt: new Date(now + 5000).toISOString() }).build(), {
      phase: 'Pending',
    }),
    wantPhase: undefined,
    wantRemoved: ['j-a1'],
  },
  'a cancelled Job whose outputs are lost is cancelled': {
    world: world(issued.with({ cancel: true }).build(), over(said(undefined, 137))),
    wantPhase: 'Cancelled',
  },
  'what is missing for a sidecar is said while the Job waits': {
    world: world(moving.build(), undefined, { sidecar: { missing: 'set MNEMOS_SIDECAR_IMAGE' } }),
    wantPhase: 'Pending',
    wantReason: 'NoSidecar',
  },
  'what is missing once the attempt is out is said, too': {
    world: world(issued.build(), undefined, { sidecar: { missing: 'set MNEMOS_SIDECAR_IMAGE' } }),
    wantPhase: 'Scheduled',
    wantReason: 'NoSidecar',
  },
  'an input of another namespace fails the Job at once': {
    world: world(
      moving.with({ container: { image: 'x', inputs: [{ path: '/in/a', from: 'artifact://outputs/other/x' }] } }).build(),
      undefined,
    ),
    wantPhase: 'Failed',
    wantClass: 'BadInput',
    wantReason: 'BadInput',
  },
  'a schema that is none fails the Job at once': {
    world: world(
      moving.with({ container: { image: 'x', outputs: [{ name: 'a', path: '/out/a', schema: { type: 'strin' } }] } }).build(),
      undefined,
    ),
    wantPhase: 'Failed',
    wantClass: 'BadInput',
    wantReason: 'BadInput',
  },
}

for (const [sentence, { world: facts, wantPhase, wantClass, wantReason, wantRemoved }] of Object.entries(cases)) {
  test(sentence, () => {
    const { status, conditions = [], remove } = decideJob(facts, now)
    assert.equal(status?.phase, wantPhase)
    assert.equal(status?.failure?.class, wantClass)
    if (wantPhase === 'Succeeded') assert.deepEqual(status?.result, result)
    if (wantReason !== undefined) assert.equal(conditions[0]?.reason, wantReason)
    assert.deepEqual(
      remove.map(({ name, graceSeconds }) => [name, graceSeconds]),
      (wantRemoved ?? []).map((name) => [name, 30]),
    )
  })
}

test('the sidecar alone has the token, and the containers share the folders of the files and nothing else', () => {
  const [pod] = decideJob(world(issued.build(), undefined), now).create ?? []
  interface Container {
    readonly env?: readonly { readonly name: string; readonly value: string }[]
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
    readonly securityContext: { readonly runAsUser?: number }
  }
  // A pod is written here and read by the API server alone.
  const { spec } = pod as unknown as {
    spec: {
      readonly initContainers: [Container]
      readonly containers: [Container]
      readonly automountServiceAccountToken: boolean
      readonly terminationGracePeriodSeconds: number
      readonly securityContext: { readonly fsGroup: number }
    }
  }
  assert.equal(spec.automountServiceAccountToken, false)
  assert.equal(spec.terminationGracePeriodSeconds, 600)
  assert.equal(spec.securityContext.fsGroup, 65_532)
  assert.deepEqual(spec.containers[0].volumeMounts, [{ name: 'files-0', mountPath: '/out' }])
  assert.deepEqual(
    spec.initContainers[0].volumeMounts.map(({ name }) => name),
    ['files-0', 'mnemos-tmp', 'mnemos-token'],
  )
  const settingOf = (wanted: string): string | undefined => spec.initContainers[0].env?.find(({ name }) => name === wanted)?.value
  assert.equal(settingOf('MNEMOS_SIDECAR_CA'), 'PEM')
  assert.equal(settingOf('MNEMOS_SIDECAR_UPLOAD_MS'), '590000')
})

test('the sidecar is told which outputs are inline or have a schema, and has the memory to judge', () => {
  const schema = { $ref: '#/$defs/a', $defs: { a: {} } }
  const outputs = [
    { name: 'a', path: '/out/a', inline: true, schema },
    { name: 'b', path: '/out/b', inline: false },
  ]
  const [pod] = decideJob(world(issued.with({ container: { image: 'x', outputs } }).build(), undefined), now).create ?? []
  // A pod is written here and read by the API server alone.
  const { spec } = pod as unknown as {
    spec: {
      readonly initContainers: [
        { readonly env: readonly { readonly name: string; readonly value: string }[]; readonly resources: { readonly limits: object } },
      ]
    }
  }
  const [{ env, resources }] = spec.initContainers
  const work = env.find(({ name }) => name === 'MNEMOS_SIDECAR_WORK')?.value ?? ''
  assert.doesNotMatch(work, /\$/)
  const told = JSON.parse(work) as { readonly outputs: readonly Readonly<Record<string, unknown>>[] }
  assert.deepEqual(
    told.outputs.map((each) => [each['inline'], each['schema']]),
    [
      [true, schema],
      [undefined, undefined],
    ],
  )
  assert.deepEqual(resources.limits, { memory: '512Mi' })
})

test('a copy of the result that is said as a value is kept as the text that is stored', () => {
  const inline = { exitCode: 0, outputs: [{ name: 'a', value: '"1"' }] }
  const report = reportOf(JSON.stringify({ result: { ...result, inline } }), prefix)
  assert.deepEqual(report, { result: { ...result, inline: JSON.stringify(inline) } })
})

const reports: Record<string, { readonly message: string | undefined; readonly want: 'result' | 'failure' | undefined }> = {
  'no message': { message: undefined, want: undefined },
  'a message that was cut': { message: '{"result":{"uri":"art', want: undefined },
  'a digest that is none': { message: JSON.stringify({ result: { ...result, sha256: 'x' } }), want: undefined },
  'a size below nothing': { message: JSON.stringify({ result: { ...result, sizeBytes: -1 } }), want: undefined },
  'a failure of an unknown class': { message: JSON.stringify({ failure: { class: 'Odd' } }), want: 'failure' },
  'a result': { message: JSON.stringify({ result }), want: 'result' },
}

for (const [what, { message, want }] of Object.entries(reports)) {
  test(`${what} is read as ${want ?? 'nothing'}`, () => assert.equal(Object.keys(reportOf(message, prefix) ?? {})[0], want))
}

test('inputs are keys of the own namespace, or outputs of a Job’s committed attempt', () => {
  const outputs = [{ name: 'o', path: '/out/o' }]
  const source = aJob('s')
    .running('x')
    .with({ container: { image: 'x', outputs } })
    .thatIs('Succeeded', { attempt: 3 })
    .build()
  const answer = aJob('t').thatIs('Succeeded', { attempt: 2 }).build()
  const named = (name: string): Job | undefined => [source, answer].find(({ metadata }) => metadata.name === name)
  const keys = (from: string) =>
    inputFiles(
      aJob('j')
        .running('x')
        .with({ container: { image: 'x', inputs: [{ path: '/in/a', from }] } })
        .build(),
      named,
    )
  assert.deepEqual(keys('job://s/o'), [{ path: '/in/a', key: 'outputs/default/uid-s/a3/files/o' }])
  assert.deepEqual(keys('artifact://outputs/default/x'), [{ path: '/in/a', key: 'outputs/default/x' }])
  assert.deepEqual(keys('artifact://files/default/books/x.txt'), [{ path: '/in/a', key: 'files/default/books/x.txt' }])
  assert.deepEqual(keys('job://t/result'), [{ path: '/in/a', key: 'outputs/default/uid-t/a2/result.json' }])
  const wrong = [
    'job://t/text',
    'job://t/other',
    'job://s/other',
    'job://none/o',
    'artifact://outputs/defaulted/x',
    'artifact://models/sha256/x',
    'artifact://files/other/x',
    'artifact://files/default/../other/x',
    'artifact://logs/default/x',
  ]
  for (const from of [...wrong, 'artifact://outputs/default/../other/x', 'artifact://outputs/default//x'])
    assert.ok('mistake' in keys(from), from)
})
