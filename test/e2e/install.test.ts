/**
 * The whole life of an installation on a real node, as an administrator leads it: from an empty cluster over tokens out of
 * a worker's pod, a killed operator and an upgrade under work to a namespace that is gone. The tests are one story: each
 * goes on where the one before ended.
 */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import type { Job, JobStatus, PipelineRun } from '@mnemos/api'
import { eventually } from '@mnemos/testkit'
import { buildOwnImages } from '../../hack/images/build.ts'
import { auditOf, type Installation, prepareInstallation, root, systemNamespace } from './installation.ts'
import { refused, unusedRights } from './rights.ts'

const run = promisify(execFile)
/** This chart and program when they could first be installed; every later one must be an upgrade of it. */
const firstInstallable = '744fd3e'
const team = 'team'
const tryOut = ['tryOut.redis.enabled=true', 'tryOut.s3.enabled=true']
const reason = process.getuid?.() === 0 && process.platform === 'linux' ? false : 'a node needs Linux and root'

describe('an installation on a real node', { skip: reason }, () => {
  let it: Installation
  const status = async (name: string): Promise<JobStatus | undefined> =>
    (await it.get<Job>(['mnemosjobs', name, '--namespace', team])).status
  const submit = async (name: string, maxTokens: number, more: object = {}): Promise<void> => {
    // What a small model goes on with for as long as it may.
    const prompt = `Repeat for ever: ${'the sea, the sea, '.repeat(40)}`
    const inference = { modelRef: { name: 'smollm2' }, prompt, parameters: { maxTokens, temperature: 0, seed: 7 } }
    const job = { apiVersion: 'mnemos.dev/v1alpha1', kind: 'Job', metadata: { name, namespace: team }, spec: { inference, ...more } }
    await it.kubectl(['create', '-f', '-'], JSON.stringify(job))
  }
  const mnemos = async (url: string, args: readonly string[]): Promise<string> => {
    const env = { ...process.env, KUBECONFIG: it.node.kubeconfig }
    return (await run(process.execPath, [join(root, 'cli/src/main.ts'), '-n', team, '--server', url, ...args], { env })).stdout
  }
  const phaseOf = async (name: string, ...wanted: readonly string[]): Promise<JobStatus> => {
    const last = await eventually(
      async () => {
        const now = await status(name)
        if (now !== undefined && wanted.includes(now.phase)) return now
        // A phase that ends a Job is never left again: what was waited for cannot come any more.
        if (['Succeeded', 'Failed', 'Cancelled'].includes(now?.phase ?? '')) return { missed: now }
        throw new Error(JSON.stringify(now))
      },
      { timeoutMs: 240_000, message: `Job ${name} is ${wanted.join(' or ')}` },
    )
    if ('missed' in last) throw new Error(`Job ${name} was never seen ${wanted.join(' or ')}: ${JSON.stringify(last.missed)}`)
    return last
  }

  before(async () => {
    it = await prepareInstallation({ audit: true, gpus: 2, log: (line) => process.stdout.write(`# ${line}\n`) })
    for (const [namespace, kept] of [
      [systemNamespace, 'restricted'],
      [team, 'restricted'],
    ] as const) {
      await it.kubectl(['create', 'namespace', namespace])
      await it.kubectl(['label', 'namespace', namespace, `pod-security.kubernetes.io/enforce=${kept}`])
    }
  })
  after(async () => {
    await it.close()
  })

  test('a value that is wrong is refused by the schema, with its path, and nothing is installed', async () => {
    await assert.rejects(it.upgrade({ set: ['operator.replicas=abc'] }), /operator\/replicas.*want integer/s)
    await assert.rejects(it.upgrade({ set: ['opertor.replicas=2'] }), /additional properties 'opertor' not allowed/)
    assert.equal(await it.kubectl(['get', 'pods', '--namespace', systemNamespace, '--output', 'name']), '')
  })

  test('helm install --wait, of the first chart that could be installed, ends with every pod ready', async () => {
    const old = await checkoutOf(firstInstallable)
    try {
      const images = await buildOwnImages({ root: old, tag: 'first' })
      for (const image of [images.control, images.worker]) await it.node.importImage(image)
      await it.upgrade({ chart: join(old, 'charts/mnemos'), images })
    } finally {
      await rm(old, { recursive: true, force: true })
    }
  })

  test('the quickstart brings tokens from a worker in a pod', async () => {
    const pool = { replicas: 1, resources: { requests: { cpu: '100m', memory: '512Mi' } } }
    const source = { uri: 'file:///SmolLM2-135M-Instruct.Q4_1.gguf' }
    for (const [kind, name, spec] of [
      ['WorkerPool', 'cpu', pool],
      ['Model', 'smollm2', { source }],
    ] as const)
      await it.kubectl(
        ['apply', '-f', '-'],
        JSON.stringify({ apiVersion: 'mnemos.dev/v1alpha1', kind, metadata: { name, namespace: team }, spec }),
      )
    await submit('hello', 32)
    const { worker, usage } = await phaseOf('hello', 'Succeeded', 'Failed')
    assert.ok((usage?.completionTokens ?? 0) > 0, JSON.stringify(await status('hello')))
    const pods = await it.kubectl(['get', 'pods', '--namespace', team, '--selector', 'mnemos.dev/pool=cpu', '--output', 'name'])
    assert.equal(`pod/${worker?.name.split('/')[1]}`, pods.trim())
  })

  test('an upgrade under a running Job loses nothing', async () => {
    await submit('through-upgrade', 400)
    await phaseOf('through-upgrade', 'Running', 'Succeeded')
    await it.upgrade()
    const { attempt, attempts } = await phaseOf('through-upgrade', 'Succeeded', 'Failed')
    assert.ok((await status('through-upgrade'))?.phase === 'Succeeded', JSON.stringify(await status('through-upgrade')))
    assert.equal(attempts.filter(({ outcome }) => outcome === 'Succeeded').length, 1)
    assert.equal(attempts.at(-1)?.attempt, attempt)
  })

  test('the operator is killed in the middle of a Job, and the Job ends once', async () => {
    await submit('through-kill', 2000)
    await phaseOf('through-kill', 'Running')
    const [slice] = (
      await it.get<EndpointSlices>(['endpointslices', '--namespace', systemNamespace, '--field-selector', 'metadata.name=mnemos-dispatch'])
    ).items
    const leader = slice?.endpoints[0]?.targetRef?.name ?? ''
    await it.kubectl(['delete', 'pod', leader, '--namespace', systemNamespace, '--grace-period=0', '--force'])
    const { attempts, result } = await phaseOf('through-kill', 'Succeeded', 'Failed')
    assert.equal(attempts.filter(({ outcome }) => outcome === 'Succeeded').length, 1, JSON.stringify(await status('through-kill')))
    assert.match(result?.sha256 ?? '', /^[a-f0-9]{64}$/)
  })

  test('a pool that asks for GPUs gets them by the device plugin, and says so when there are none left', async () => {
    const spec = {
      replicas: 3,
      resources: { requests: { cpu: '10m', memory: '64Mi', 'nvidia.com/gpu': 1 } },
      podTemplate: { image: it.images.worker },
    }
    await it.kubectl(
      ['apply', '-f', '-'],
      JSON.stringify({ apiVersion: 'mnemos.dev/v1alpha1', kind: 'WorkerPool', metadata: { name: 'gpu', namespace: team }, spec }),
    )
    await eventually(async () => (await it.kubectl(['get', 'mnpool', 'gpu', '-n', team, '-o', 'jsonpath={.status.ready}'])) === '2', {
      timeoutMs: 60_000,
      message: 'two of three workers have a GPU',
    })
    await eventually(
      async () =>
        /Insufficient nvidia\.com\/gpu/.test(await it.kubectl(['get', 'mnpool', 'gpu', '-n', team, '-o', 'jsonpath={.status.conditions}'])),
      { timeoutMs: 30_000, message: 'the pool says what is missing' },
    )
    // Workers of this pool come from elsewhere from now on: its pods go.
    const external = [
      ['remove', '/spec/resources'],
      ['remove', '/spec/podTemplate'],
      ['remove', '/spec/replicas'],
      ['replace', '/spec/external'],
    ].map(([op, path]) => ({ op, path, ...(op === 'replace' ? { value: true } : {}) }))
    await it.kubectl(['patch', 'mnpool', 'gpu', '-n', team, '--type=json', '-p', JSON.stringify(external)])
    await eventually(
      async () => (await it.kubectl(['get', 'deployments', '-n', team, '-o', 'name'])).trim() === 'deployment.apps/mnemos-cpu',
      { timeoutMs: 30_000, message: 'its Deployment is gone' },
    )
    await it.kubectl(['delete', 'mnpool', 'gpu', '-n', team, '--wait'])
  })

  test('a Model that serves is ready when a token came out, with a pool of its own that goes with it', async () => {
    const model = (serving: object): string =>
      JSON.stringify({
        apiVersion: 'mnemos.dev/v1alpha1',
        kind: 'Model',
        metadata: { name: 'served', namespace: team },
        spec: { source: { uri: 'file:///SmolLM2-135M-Instruct.Q4_1.gguf' }, ...serving },
      })
    await it.kubectl(['apply', '-f', '-'], model({ serving: { resources: { requests: { cpu: '100m', memory: '512Mi' } } } }))
    await it.kubectl(['wait', '--for=condition=Ready', 'mnmodel/served', '-n', team, '--timeout=90s'])
    assert.match(
      await it.kubectl(['get', 'mnmodel', 'served', '-n', team, '-o', 'jsonpath={.status.conditions[?(@.type=="FirstToken")].status}']),
      /True/,
    )
    await it.kubectl(['apply', '-f', '-'], model({}))
    await eventually(async () => !(await it.kubectl(['get', 'mnpool', '-n', team, '-o', 'name'])).includes('served'), {
      timeoutMs: 30_000,
      message: 'the pool of the Model is gone',
    })
  })

  test('a scale-down by kubectl leaves the busy worker alone', async () => {
    await it.kubectl(['scale', 'mnpool/cpu', '--namespace', team, '--replicas=2'])
    await eventually(async () => (await it.kubectl(['get', 'mnpool', 'cpu', '-n', team, '-o', 'jsonpath={.status.ready}'])) === '2', {
      timeoutMs: 60_000,
    })
    await submit('through-scaling', 400)
    const { worker } = await phaseOf('through-scaling', 'Running')
    await it.kubectl(['scale', 'mnpool/cpu', '--namespace', team, '--replicas=1'])
    const { attempts } = await phaseOf('through-scaling', 'Succeeded', 'Failed')
    assert.deepEqual(
      attempts.map(({ outcome, worker: on }) => [outcome, on]),
      [['Succeeded', worker?.name]],
    )
  })

  // Before the stores are replaced: a pod of its own has no cache, and asks the store that the Model was imported into.
  test('an inference with a pod of its own answers from there, with the GPU that it asked for', async () => {
    const resources = { requests: { cpu: '100m', memory: '512Mi' }, limits: { 'nvidia.com/gpu': 1 } }
    await submit('alone', 16, { placement: { dedicated: true }, resources, retry: { limit: 0 } })
    const { worker, usage, failure } = await phaseOf('alone', 'Succeeded', 'Failed')
    assert.equal(failure, undefined, JSON.stringify(await status('alone')))
    assert.equal(worker?.name, `${team}/alone-a1`)
    assert.equal(usage?.completionTokens, 16)
  })

  test('the stores for trying out replace the embedded ones, and Jobs go on', async () => {
    await it.upgrade({ set: tryOut })
    await submit('after-redis', 16)
    assert.equal((await phaseOf('after-redis', 'Succeeded', 'Failed')).phase, 'Succeeded', JSON.stringify(await status('after-redis')))
  })

  test('a person lists and streams through the server, by a kubeconfig and nothing else', async () => {
    const forward = await portForward(it)
    try {
      assert.match(await mnemos(forward.url, ['jobs', 'list', '-o', 'name']), /hello/)
      const answer = await mnemos(forward.url, ['chat', 'smollm2', 'Why is the sky blue?', '--max-tokens', '24'])
      assert.ok(answer.length > 20, answer)
    } finally {
      forward.close()
    }
  })

  test('a container runs as a Job in a pod of its own, whose log outlives it, and a cancelled one leaves no pod running', async () => {
    const container = (name: string, script: string): string =>
      JSON.stringify({
        ...{ apiVersion: 'mnemos.dev/v1alpha1', kind: 'Job', metadata: { name, namespace: team } },
        spec: { container: { image: it.images.control, command: ['node', '-e', script] } },
      })
    await it.kubectl(['create', '-f', '-'], container('box', 'console.log(6 * 7)'))
    assert.equal((await phaseOf('box', 'Succeeded', 'Failed')).phase, 'Succeeded', JSON.stringify(await status('box')))
    // The pod goes when the recorder has its log, and not before.
    await it.kubectl(['wait', '--for=delete', 'pod/box-a1', '--namespace', team, '--timeout=30s'])
    const forward = await portForward(it)
    try {
      assert.equal(await mnemos(forward.url, ['jobs', 'logs', 'box']), '42\n')
    } finally {
      forward.close()
    }
    await it.kubectl(['create', '-f', '-'], container('stuck', 'setInterval(() => 0, 1000)'))
    await phaseOf('stuck', 'Running')
    await it.kubectl(['patch', 'mnjob', 'stuck', '--namespace', team, '--type=merge', '-p', '{"spec":{"cancel":true}}'])
    await phaseOf('stuck', 'Cancelled')
    // Cancelled is said once nothing runs any more; the object of the ended pod may take a moment longer to go.
    await it.kubectl(['wait', '--for=delete', 'pod/stuck-a1', '--namespace', team, '--timeout=30s'])
  })

  test('a container finds the file that another has left, and its own is stored with its digest', async () => {
    const job = (name: string, script: string, files: object): string =>
      JSON.stringify({
        ...{ apiVersion: 'mnemos.dev/v1alpha1', kind: 'Job', metadata: { name, namespace: team } },
        spec: { container: { image: it.images.control, command: ['node', '-e', script], ...files }, retry: { limit: 0 } },
      })
    const outputs = [{ name: 'text', path: '/out/text' }]
    const inputs = [{ path: '/in/text', from: 'job://writes/text' }]
    const copy = "const fs = require('fs'); fs.writeFileSync('/out/text', fs.readFileSync('/in/text', 'utf8').toUpperCase())"
    await it.kubectl(['create', '-f', '-'], job('reads', copy, { inputs, outputs }))
    await it.kubectl(['create', '-f', '-'], job('writes', "require('fs').writeFileSync('/out/text', 'from one to the other')", { outputs }))
    const { result, failure } = await phaseOf('reads', 'Succeeded', 'Failed')
    assert.equal(failure, undefined, JSON.stringify([await status('writes'), await status('reads')]))
    const sha256 = createHash('sha256').update('FROM ONE TO THE OTHER').digest('hex')
    assert.equal((JSON.parse(result?.inline ?? '{}') as { outputs: readonly { sha256: string }[] }).outputs[0]?.sha256, sha256)
    await it.kubectl(['create', '-f', '-'], job('forgets', '0', { outputs }))
    const forgotten = await phaseOf('forgets', 'Succeeded', 'Failed')
    assert.equal(forgotten.failure?.reason, 'OutputMissing', JSON.stringify(forgotten))
    await it.kubectl(['create', '-f', '-'], job('fails', 'process.exit(3)', { outputs }))
    const failed = await phaseOf('fails', 'Succeeded', 'Failed')
    assert.match(failed.failure?.message ?? '', /exit code 3/, JSON.stringify(failed))
  })

  test('a pipeline runs in pods, hands files on, publishes a Model twice, calls another and takes it along when it is cancelled', async () => {
    const named = (kind: string, name: string, spec: object): string =>
      JSON.stringify({ apiVersion: 'mnemos.dev/v1alpha1', kind, metadata: { name, namespace: team }, spec })
    const container = (script: string, more: object = {}): object => ({
      container: { image: it.images.control, command: ['node', '-e', script], ...more },
    })
    const start = async (name: string, pipeline: string, more: object = {}): Promise<void> => {
      await it.kubectl(['create', '-f', '-'], named('PipelineRun', name, { pipelineRef: { name: pipeline }, ...more }))
    }
    const ended = async (name: string, phase: string): Promise<string> => {
      const run = await eventually(
        async () => {
          const found = await it.get<PipelineRun>(['mnemospipelineruns', name, '--namespace', team])
          const isOver = ['Succeeded', 'Failed', 'Cancelled'].includes(found.status?.phase ?? '')
          assert.ok(isOver, JSON.stringify(found.status))
          return found
        },
        { timeoutMs: 180_000, message: `run ${name} ends` },
      )
      assert.equal(run.status?.phase, phase, JSON.stringify(run.status))
      return String(run.status.outputs?.[0]?.value)
    }
    const copy = "const fs = require('fs'); fs.writeFileSync('/out/text', fs.readFileSync('/in/text', 'utf8').toUpperCase())"
    const text = { outputs: [{ name: 'text', path: '/out/text' }] }
    const steps = [
      { name: 'write', ...container("require('fs').writeFileSync('/out/text', 'from step to step')", text) },
      {
        name: 'read',
        ...container(copy, { ...text, inputs: [{ path: '/in/text', from: '$(steps.write.outputs.text)' }] }),
        outputs: [{ name: 'text', mediaType: 'text/plain', schema: { type: 'string', minLength: 4 } }],
      },
      {
        name: 'each',
        dependsOn: ['read'],
        forEach: { items: [1, 2, 3] },
        ...container('process.exit(Number(process.argv[1]) > 3 ? 1 : 0)', { args: ['$(item)'] }),
      },
      { name: 'publish', dependsOn: ['each'], publish: { alias: 'chat', uri: 'file:///SmolLM2-135M-Instruct.Q4_1.gguf' } },
    ]
    const spec = { steps, outputs: [{ name: 'said', value: '$(steps.read.outputs.text)' }], revisionHistoryLimit: 1 }
    await it.kubectl(['apply', '-f', '-'], named('Pipeline', 'story', spec))
    await start('story-1', 'story')
    assert.equal(await ended('story-1', 'Succeeded'), 'FROM STEP TO STEP')
    // The revision of before goes when nobody uses it; the alias goes on to the Model of the second run.
    const before = await it.kubectl(['get', 'mnmodel', 'chat', '--namespace', team, '-o', 'jsonpath={.spec.source.uri}'])
    await it.kubectl(['apply', '-f', '-'], named('Pipeline', 'story', { ...spec, description: 'The same once more.' }))
    await start('story-2', 'story', { ttlSecondsAfterFinished: 1 })
    await it.kubectl(['wait', '--for=delete', 'mnrun', 'story-2', '--namespace', team, '--timeout=180s'])
    const after = await it.kubectl(['get', 'mnmodel', 'chat', '--namespace', team, '-o', 'jsonpath={.spec.source.uri} {.status.phase}'])
    assert.match(after, /^model:\/\/chat-v-\S+ Ready$/)
    assert.notEqual(after.split(' ')[0], before)
    await it.kubectl(
      ['apply', '-f', '-'],
      named('Pipeline', 'inner', { steps: [{ name: 'long', ...container('setInterval(() => 0, 1000)') }] }),
    )
    await it.kubectl(['apply', '-f', '-'], named('Pipeline', 'outer', { steps: [{ name: 'call', pipeline: { name: 'inner' } }] }))
    await start('outer-1', 'outer')
    const running = ['get', 'mnjob', '--namespace', team, '-l', 'mnemos.dev/step=long', '-o', 'jsonpath={.items[*].status.phase}']
    await eventually(async () => (await it.kubectl(running)) === 'Running', { timeoutMs: 120_000, message: 'the called step runs' })
    await it.kubectl(['patch', 'mnrun', 'outer-1', '--namespace', team, '--type=merge', '-p', '{"spec":{"cancel":true}}'])
    await ended('outer-1', 'Cancelled')
    assert.equal(await it.kubectl(running), 'Cancelled')
  })

  test('policies refuse, count and show what exists, and are counted in Redis for all webhooks', async () => {
    await it.kubectl(['apply', '-f', '-'], policies)
    await eventually(async () => (await it.kubectl(['get', 'mncpol', 'house', '-o', 'jsonpath={.status.matched}'])) !== '', {
      timeoutMs: 60_000,
    })
    await eventually(
      async () => (await it.kubectl(['get', 'mnpol', 'calm', '-o', 'jsonpath={.status.conditions[0].reason}'])) === 'InForce',
      {
        timeoutMs: 60_000,
      },
    )
    const hasty = (name: string): string => `apiVersion: mnemos.dev/v1alpha1
kind: Job
metadata: {name: ${name}, namespace: default, labels: {house: rules}}
spec: {suspend: true, priority: low, inference: {modelRef: {name: smollm}, prompt: Say hello.}}
`
    await assert.rejects(
      it.kubectl(['apply', '-f', '-'], hasty('calm').replace('priority: low', 'priority: critical')),
      /critical is above high/,
    )
    await it.kubectl(['create', '-f', '-'], hasty('first'))
    await assert.rejects(it.kubectl(['create', '-f', '-'], hasty('second')), /over 1 Job in 1 h .*the next one fits at/)
    await it.kubectl(['delete', 'mnjob', 'first'])
    await it.kubectl(['delete', '-f', '-'], policies)
  })

  test('a Job that runs for too long is stopped, and an event says so', async () => {
    await submit('too-long', 4000, { deadlines: { runSeconds: 1 } })
    const { failure } = await phaseOf('too-long', 'Succeeded', 'Failed')
    assert.equal(failure?.class, 'DeadlineExceeded')
    assert.match(await it.kubectl(['events', '--for', 'mnjob/too-long', '--namespace', team]), /Warning/)
  })

  test('a Job whose time to live is over is deleted', async () => {
    await submit('short-lived', 4, { ttlSecondsAfterFinished: 1 })
    await eventually(async () => !(await it.kubectl(['get', 'mnjob', '-n', team, '-o', 'name'])).includes('short-lived'), {
      timeoutMs: 60_000,
      message: 'the Job is gone',
    })
  })

  test('the demo of the chart is made by the operator', async () => {
    await it.upgrade({
      set: [...tryOut, 'demo.enabled=true', `demo.namespace=${team}`, 'demo.modelUri=file:///SmolLM2-135M-Instruct.Q4_1.gguf'],
    })
    await eventually(
      async () => (await it.kubectl(['get', 'cm', 'mnemos-demo', '-n', systemNamespace, '--ignore-not-found', '-o', 'name'])) !== '',
      { timeoutMs: 60_000, message: 'the demo is remembered' },
    )
  })

  test('helm test passes, and the commands of the notes work when pasted', async () => {
    await it.helm(['test', 'mnemos', '--namespace', systemNamespace, '--timeout', '60s'])
    const notes = await it.helm(['get', 'notes', 'mnemos', '--namespace', systemNamespace])
    const commands = [...notes.matchAll(/^ {2}kubectl (.+)$/gm)].map(([, args]) => (args ?? '').split(' '))
    assert.equal(commands.length, 3)
    for (const args of commands) await it.kubectl(args)
  })

  test('helm uninstall leaves nothing, and the namespace goes within a minute', async () => {
    // Without this the kinds, and with them every object, would stay: that is the default.
    await it.upgrade({ set: ['crds.keep=false'] })
    await it.helm(['uninstall', 'mnemos', '--namespace', systemNamespace, '--wait', '--timeout', '2m'])
    const began = performance.now()
    await it.kubectl(['delete', 'namespace', systemNamespace, team, '--timeout=60s'])
    assert.ok(performance.now() - began < 60_000)
    const kinds = [
      'customresourcedefinitions',
      'clusterroles',
      'clusterrolebindings',
      'mutatingwebhookconfigurations',
      'validatingwebhookconfigurations',
    ]
    const left = (await it.kubectl(['get', kinds.join(','), '--output', 'name']))
      .split('\n')
      .filter((name) => name.includes('mnemos') && !name.includes('mnemos-node'))
    assert.deepEqual(left, [])
  })

  test('no process was granted what it did not use', async () => {
    const rights = await readFile(join(root, 'charts/mnemos/generated/rbac.yaml'), 'utf8')
    const audit = await auditOf(it.node)
    assert.deepEqual(
      unusedRights(rights, audit, systemNamespace).filter((right) => !(right in rare)),
      [],
    )
    // Nor was anybody refused what it asked for.
    assert.deepEqual(refused(audit, systemNamespace), [])
  })

  test('Helm 3 installs and uninstalls it as well', async () => {
    await it.kubectl(['create', 'namespace', systemNamespace])
    await it.upgrade({ version: 'v3', set: ['crds.keep=false'] })
    await it.helm(['uninstall', 'mnemos', '--namespace', systemNamespace, '--wait'], 'v3')
    assert.equal(await it.kubectl(['get', 'crds', '-o', 'name']), '')
  })
})

const policies = `apiVersion: mnemos.dev/v1alpha1
kind: ClusterPolicy
metadata: {name: house}
spec:
  match: {labels: {matchLabels: {house: rules}}}
  rules:
    - {name: rate, rateLimit: {requests: 1, windowSeconds: 3600, per: Namespace}}
---
apiVersion: mnemos.dev/v1alpha1
kind: Policy
metadata: {name: calm, namespace: default}
spec:
  rules:
    - {name: ceiling, limits: {maxPriority: high}}
`

/** Rights that this story, which takes minutes, does not come to use. */
const rare: Readonly<Record<string, string>> = {
  'operator patch secrets': 'certificates are replaced after days; test/integration/line-tls.test.ts does it in seconds',
  'webhook patch secrets': 'the same; test/integration/webhook-rotation.test.ts',
  'operator patch events.k8s.io/events': 'the same note on the same object within ten minutes',
  'recorder create mnemos.dev/mnemosjobs/logs': 'no request: the server asks whether the recorder has it, and stored the log read above',
  'webhook get namespaces': 'only of a namespace that no cache has seen yet: a matter of milliseconds',
  'operator get mnemos.dev/mnemosmodels': 'only when a published Model is created twice; test/integration/pipeline-publish.test.ts',
  'server list mnemos.dev/mnemospipelineruns':
    'old outputs are looked for minutes after the start; test/integration/artifact-sweep.test.ts',
  'server list mnemos.dev/mnemosmodels': 'the same',
  'operator delete discovery.k8s.io/endpointslices': 'a slice of the other address family; test/integration/line-leader.test.ts',
}

/** The server on a port of this machine, as long as kubectl runs. */
async function portForward(it: Installation): Promise<{ url: string; close: () => void }> {
  const child = spawn(it.node.kubectl, ['port-forward', '--namespace', systemNamespace, 'service/mnemos-server', ':8080'], {
    env: { ...process.env, KUBECONFIG: it.node.kubeconfig },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await new Promise<string>((resolve, reject) => {
    // Listened to until the end: kubectl tells every connection, and dies when nobody reads.
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const port = /127\.0\.0\.1:(\d+)/.exec(chunk)?.[1]
      if (port !== undefined) resolve(`https://127.0.0.1:${port}`)
    })
    child.once('exit', () => reject(new Error('kubectl port-forward ended')))
  })
  return { url, close: () => child.kill() }
}

interface EndpointSlices {
  readonly items: readonly { readonly endpoints: readonly { readonly targetRef?: { readonly name: string } }[] }[]
}

/** The files of a commit with the packages that it names. */
async function checkoutOf(commit: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mnemos-first-'))
  const archive = join(folder, 'source.tar')
  await run('git', ['archive', '--output', archive, commit], { cwd: root })
  await run('tar', ['--extract', '--file', archive, '--directory', folder])
  await rm(archive)
  await run('npm', ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder })
  return folder
}
