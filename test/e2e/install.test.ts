/**
 * The whole life of an installation on a real node, as an administrator leads it: from an empty cluster over tokens out of
 * a worker's pod, a killed operator and an upgrade under work to a namespace that is gone. The tests are one story: each
 * goes on where the one before ended.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import type { Job, JobStatus } from '@mnemos/api'
import { eventually } from '@mnemos/testkit'
import { buildOwnImages } from '../../hack/images/build.ts'
import { auditOf, type Installation, prepareInstallation, root, systemNamespace } from './installation.ts'
import { unusedRights } from './rights.ts'

const run = promisify(execFile)
/** This chart and program when they could first be installed; every later one must be an upgrade of it. */
const firstInstallable = '744fd3e'
const team = 'team'
const reason = process.getuid?.() === 0 && process.platform === 'linux' ? false : 'a node needs Linux and root'

describe('an installation on a real node', { skip: reason }, () => {
  let it: Installation
  const status = async (name: string): Promise<JobStatus | undefined> =>
    (await it.get<Job>(['mnemosjobs', name, '--namespace', team])).status
  const submit = async (name: string, maxTokens: number): Promise<void> => {
    const inference = {
      modelRef: { name: 'smollm2' },
      prompt: `Count from one to a thousand, ${name}.`,
      parameters: { maxTokens, temperature: 0, seed: 7 },
    }
    const job = { apiVersion: 'mnemos.dev/v1alpha1', kind: 'Job', metadata: { name, namespace: team }, spec: { inference } }
    await it.kubectl(['create', '-f', '-'], JSON.stringify(job))
  }
  const phaseOf = async (name: string, ...wanted: readonly string[]): Promise<JobStatus> => {
    let last: JobStatus | undefined
    await eventually(
      async () => {
        last = await status(name)
        return wanted.includes(last?.phase ?? '')
      },
      { timeoutMs: 120_000, message: `Job ${name} is ${wanted.join(' or ')}` },
    )
    assert.ok(last)
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
    await submit('through-kill', 400)
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
    await it.kubectl(['delete', 'mnpool', 'gpu', '-n', team, '--wait'])
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

  test('the stores for trying out replace the embedded ones, and Jobs go on', async () => {
    await it.upgrade({ set: ['tryOut.redis.enabled=true'] })
    await submit('after-redis', 16)
    assert.equal((await phaseOf('after-redis', 'Succeeded', 'Failed')).phase, 'Succeeded', JSON.stringify(await status('after-redis')))
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
    assert.deepEqual(unusedRights(rights, await auditOf(it.node), systemNamespace), [])
  })
})

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
