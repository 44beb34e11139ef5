/** `mnemos up` on a real node: each of its exit codes, and what it leaves behind. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Installation, imageValues, prepareInstallation, root, systemNamespace } from './installation.ts'

const reason = process.getuid?.() === 0 && process.platform === 'linux' ? false : 'a node needs Linux and root'

describe('mnemos up', { skip: reason }, () => {
  let it: Installation

  const up = async (...args: readonly string[]): Promise<{ code: number | null; said: string }> => {
    const values = imageValues(it.images).flatMap((value) => ['--set', value])
    const child = spawn(process.execPath, [join(root, 'cli/src/main.ts'), 'up', '--helm', it.helms.v4, ...values, ...args], {
      env: { ...process.env, KUBECONFIG: it.node.kubeconfig },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk
    })
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
    return { code, said }
  }
  const ours = async (): Promise<readonly string[]> => {
    const kinds = 'crds,clusterroles,clusterrolebindings,mutatingwebhookconfigurations,validatingwebhookconfigurations,namespaces'
    const found = (await it.kubectl(['get', kinds, '-o', 'name'])).split('\n')
    return found.filter((name) => name.includes('mnemos') && !name.includes('mnemos-node'))
  }

  before(async () => {
    it = await prepareInstallation({ log: (line) => process.stdout.write(`# ${line}\n`) })
  })
  after(async () => {
    await it.close()
  })

  test('1: everything that is missing is told at once, with the next step, and nothing is changed', async () => {
    const { code, said } = await up('--set', 'stores.s3.bucket=b', '--set', 'stores.s3.existingSecret=keys', '--helm', '/nowhere/helm')
    assert.equal(code, 1, said)
    assert.match(said, /there is no program helm/)
    const missing = await up('--set', 'stores.s3.bucket=b', '--set', 'stores.s3.existingSecret=keys')
    assert.equal(missing.code, 1, missing.said)
    assert.match(missing.said, /Secret keys does not exist in namespace mnemos-system/)
    assert.match(missing.said, /create secret generic keys/)
    const wrong = await up('--set', 'operator.replicas=abc')
    assert.equal(wrong.code, 1, wrong.said)
    assert.match(wrong.said, /operator\/replicas/)
    assert.deepEqual(await ours(), [])
  })

  test('--dry-run says what would be done and changes nothing', async () => {
    const { code, said } = await up('--dry-run', '-v')
    assert.equal(code, 0, said)
    assert.match(said, /would install: \d+ objects/)
    assert.deepEqual(await ours(), [])
  })

  test('2: an image that cannot be had is named, and the installation is taken back whole', async () => {
    const away = ['image.repository=registry.example.com/mnemos', 'imagePullPolicy=IfNotPresent'].flatMap((value) => ['--set', value])
    const { code, said } = await up(...away, '--timeout', '90')
    assert.equal(code, 2, said)
    assert.match(said, /image registry\.example\.com\/mnemos:e2e cannot be had \((ErrImagePull|ImagePullBackOff)\)/)
    assert.match(said, /image\.repository/)
    await it.kubectl(['wait', '--for=delete', `namespace/${systemNamespace}`, '--timeout=60s'])
    assert.deepEqual(await ours(), [])
  })

  test('2: a port that is taken on the node is named with its setting', async () => {
    // The kubelet has this one.
    const values = ['webhook.hostNetwork=true', 'webhook.replicas=1', 'webhook.port=10250'].flatMap((value) => ['--set', value])
    const { code, said } = await up(...values, '--timeout', '150')
    assert.equal(code, 2, said)
    assert.match(said, /Pod mnemos-webhook-\S+ does not start: it ended \d+ times/)
    assert.match(said, /cannot listen on 0\.0\.0\.0:10250 for reviews: another process has the port/)
    assert.match(said, /set MNEMOS_WEBHOOK_PORT to a free port/)
    await it.kubectl(['wait', '--for=delete', `namespace/${systemNamespace}`, '--timeout=60s'])
    assert.deepEqual(await ours(), [])
  })

  test('2: a namespace that does not let our pods in is told of in the words of the API server', async () => {
    await it.kubectl(['create', 'namespace', systemNamespace])
    await it.kubectl(['label', 'namespace', systemNamespace, 'pod-security.kubernetes.io/enforce=restricted'])
    const { code, said } = await up('--set', 'webhook.hostNetwork=true', '--timeout', '90')
    assert.equal(code, 2, said)
    assert.match(
      said,
      /mnemos-webhook does not start: the API server refuses it: .*violates PodSecurity "restricted:latest": host namespaces/,
    )
    assert.match(said, /labels pod-security\.kubernetes\.io of the namespace/)
    await it.kubectl(['delete', 'namespace', systemNamespace, '--timeout=60s'])
    assert.deepEqual(await ours(), [])
  })

  test('0: it installs, brings a first model, and says what to do next', async () => {
    const { code, said } = await up('--model', 'file:///SmolLM2-135M-Instruct.Q4_1.gguf', '--model-name', 'smollm2', '--timeout', '120')
    assert.equal(code, 0, said)
    assert.match(said, /✔ webhook[\s\S]*✔ model[\s\S]*MNEMOS is up/)
    assert.match(await it.kubectl(['get', 'mnmodel', 'smollm2', '-o', 'jsonpath={.status.phase}']), /Ready/)
  })

  test('0: a second run changes nothing that works', async () => {
    const { code, said } = await up()
    assert.equal(code, 0, said)
    assert.match(said, /✔ upgrade/)
  })

  test('2: an upgrade that does not come up goes back to the revision before', async () => {
    const { code, said } = await up('--set', 'image.tag=nowhere', '--timeout', '60')
    assert.equal(code, 2, said)
    assert.match(said, /image localhost\/mnemos:nowhere cannot be had/)
    assert.match(said, /Went back to revision/)
    assert.match(
      await it.kubectl(['get', 'deployment', 'mnemos-operator', '-n', systemNamespace, '-o', 'jsonpath={..image}']),
      /mnemos:e2e/,
    )
  })

  test('3: an installation without a server is not called healthy', async () => {
    const { code, said } = await up('--set', 'server.replicas=0,stores.redis.url=redis://redis.example.com:6379,stores.s3.bucket=b')
    assert.equal(code, 3, said)
    assert.match(said, /the server does not answer/)
  })
})
