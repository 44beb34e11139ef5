/**
 * The way by kind and Tilt, as far as it goes without Docker: kind's own parser, the Tiltfile run by the Starlark that Tilt is built
 * on, every command of hack/kind-up, and the workflows. What needs Docker is run by `.github/workflows/ci.yaml`.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { debianPackages, helmPrograms } from '@mnemos/cluster'
import { parseAllDocuments } from 'yaml'
import { goTool } from './go-tools.fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'mnemos-kind-'))
after(() => rmSync(folder, { recursive: true, force: true }))

interface Printed {
  readonly status: number | null
  readonly text: string
}

function ran(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}, input = ''): Printed {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, ...env }, input })
  return { status, text: `${stdout}${stderr}` }
}

test('kind takes kind-config.yaml, and would not take a field that it does not know', async () => {
  const kind = await goTool('kind', 'sigs.k8s.io/kind@v0.33.0')
  // Nothing listens there: kind gets as far as Docker and no further, also where there is a Docker.
  const noDocker = { DOCKER_HOST: 'tcp://127.0.0.1:1', KIND_EXPERIMENTAL_PROVIDER: 'docker' }
  const wrong = join(folder, 'wrong.yaml')
  writeFileSync(wrong, readFileSync('kind-config.yaml', 'utf8').replace('nodes:', 'nodez:'))
  const refused = ran(kind, ['create', 'cluster', '--config', wrong], noDocker)
  assert.match(refused.text, /unable to decode config:[\s\S]*field nodez not found/)
  const taken = ran(kind, ['create', 'cluster', '--config', 'kind-config.yaml'], noDocker)
  assert.doesNotMatch(taken.text, /config:|unmarshal/)
  assert.match(taken.text, /docker/i)
})

test('actionlint finds nothing in the workflows', async () => {
  assert.deepEqual(ran(await goTool('actionlint', 'github.com/rhysd/actionlint/cmd/actionlint@v1.7.12'), []), { status: 0, text: '' })
})

test('shellcheck finds nothing in hack/kind-up', async () => {
  await debianPackages(['shellcheck'])
  assert.deepEqual(ran('shellcheck', ['hack/kind-up', '.ci/run']), { status: 0, text: '' })
})

/** What Tilt offers to a Tiltfile, here: each call is printed as one line of JSON. */
const prelude = `
def _said(name, result=None):
    def call(*args, **named):
        print(json.encode({'call': name, 'args': list(args), 'named': named}))
        return result
    return call
allow_k8s_contexts = _said('allow_k8s_contexts')
local_resource = _said('local_resource')
docker_build = _said('docker_build')
k8s_yaml = _said('k8s_yaml')
k8s_resource = _said('k8s_resource')
watch_file = _said('watch_file')
def blob(text): return text
def sync(source, target): return ['sync', source, target]
def fall_back_on(paths): return ['fall_back_on'] + paths
def local(command, quiet=False):
    print(json.encode({'call': 'local', 'args': [command], 'named': {}}))
    return 'amd64\\n'
`

interface Call {
  readonly call: string
  readonly args: readonly unknown[]
  readonly named: Readonly<Record<string, unknown>>
}

async function tiltCalls(): Promise<readonly Call[]> {
  const starlark = await goTool('starlark', 'go.starlark.net/cmd/starlark@v0.0.0-20260908191801-89a6a09411d5')
  const script = join(folder, 'Tiltfile.star')
  writeFileSync(script, `${prelude}${readFileSync('Tiltfile', 'utf8')}`)
  const { status, text } = ran(starlark, [script])
  assert.equal(status, 0, text)
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Call)
}

test('the Tiltfile runs to its end and speaks of what there is', async () => {
  const calls = await tiltCalls()
  const images = calls.filter(({ call }) => call === 'docker_build')
  assert.deepEqual(
    images.map(({ args }) => args[0]),
    ['mnemos', 'mnemos-worker'],
  )
  for (const { named } of images) {
    const dockerfile = String(named['dockerfile'])
    const [staged] = named['only'] as readonly string[]
    // Tilt sends what `only` names; the Dockerfile copies just that.
    assert.match(readFileSync(dockerfile, 'utf8').replaceAll(/\$\{TARGETARCH\}/g, 'amd64'), new RegExp(`COPY ${staged}/ /app/`))
    assert.deepEqual((named['live_update'] as readonly unknown[])[1], ['sync', staged, '/tmp/app'])
  }
  const sources = calls.find(({ call }) => call === 'local_resource')?.named['deps'] as readonly string[]
  assert.deepEqual(
    sources.filter((path) => !existsSync(path)),
    [],
  )
})

test('what the Tiltfile renders by Helm has the images that it builds, writable /tmp and the Deployments that it names', async () => {
  const calls = await tiltCalls()
  const command = calls.map(({ args }) => String(args[0])).find((text) => text.startsWith('helm '))
  const { v3 } = await helmPrograms()
  const rendered = ran(v3, (command ?? '').split(' ').slice(1))
  assert.equal(rendered.status, 0, rendered.text)
  const deployments = parseAllDocuments(rendered.text)
    .map((document) => document.toJS() as Deployment | null)
    .filter((object) => object?.kind === 'Deployment')
  const named = calls.filter(({ call }) => call === 'k8s_resource').map(({ args }) => args[0])
  assert.deepEqual(deployments.map((object) => object?.metadata.name).sort(), [...named].sort())
  for (const object of deployments) {
    const [container] = object?.spec.template.spec.containers ?? []
    assert.match(container?.image ?? '', /^mnemos:/)
    assert.ok(container?.volumeMounts.some(({ mountPath }) => mountPath === '/tmp'))
  }
})

interface Deployment {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly { readonly image: string; readonly volumeMounts: readonly { readonly mountPath: string }[] }[]
      }
    }
  }
}

/** Programs that only tell how they were called: what they would do needs Docker. */
function recorders(answers: Readonly<Record<string, string>>): { path: string; calls: () => string[] } {
  const bin = mkdtempSync(join(folder, 'bin-'))
  const log = join(bin, 'log')
  for (const name of ['docker', 'kind', 'kubectl', 'helm', 'npm']) {
    const cases = Object.entries(answers).map(([start, answer]) => `  "${start}"*) printf '%s\\n' '${answer}';;`)
    writeFileSync(join(bin, name), `#!/bin/bash\necho "${name} $*" >> ${log}\ncase "${name} $*" in\n${cases.join('\n')}\n  *) ;;\nesac\n`)
    chmodSync(join(bin, name), 0o755)
  }
  return { path: `${bin}:${process.env['PATH'] ?? ''}`, calls: () => readFileSync(log, 'utf8').trim().split('\n') }
}

test('hack/kind-up: the first time it makes registry and cluster, and Helm takes what it says', async () => {
  const programs = recorders({ 'kind get nodes': 'mnemos-worker', 'docker version': 'amd64', 'docker inspect -f {{json': 'null' })
  const { status, text } = ran('hack/kind-up', [], { PATH: programs.path })
  assert.equal(status, 0, text)
  const calls = programs.calls()
  for (const wanted of [
    'docker run',
    'kind create cluster --config kind-config.yaml',
    'docker network connect kind kind-registry',
    'docker push',
  ])
    assert.ok(
      calls.some((call) => call.startsWith(wanted)),
      wanted,
    )
  const upgrade = calls.find((call) => call.startsWith('helm upgrade'))?.split(' ') ?? []
  const sets = upgrade.flatMap((word, at) => (word === '--set' ? ['--set', upgrade[at + 1] ?? ''] : []))
  const { v3 } = await helmPrograms()
  const rendered = ran(v3, ['template', 'mnemos', 'charts/mnemos', ...sets])
  assert.equal(rendered.status, 0, rendered.text)
  const pushed = calls.flatMap((call) => /^docker push (.*)$/.exec(call)?.[1] ?? [])
  assert.equal(pushed.length, 2)
  for (const image of pushed) assert.ok(rendered.text.includes(image), `${image} is what the chart runs`)
})

test('hack/kind-up: again it makes neither registry nor cluster', () => {
  const programs = recorders({
    'docker inspect -f {{.State': 'true',
    'docker inspect -f {{json': '{}',
    'kind get clusters': 'mnemos',
    'kind get nodes': 'mnemos-worker',
  })
  const { status, text } = ran('hack/kind-up', ['--cluster-only'], { PATH: programs.path })
  assert.equal(status, 0, text)
  assert.deepEqual(
    programs.calls().filter((call) => /^(docker run|kind create|docker network|docker build|helm)/.test(call)),
    [],
  )
})

test('hack/kind-up: an option that it does not know ends it', () => {
  assert.deepEqual(ran('hack/kind-up', ['--fast']), { status: 64, text: 'hack/kind-up: --fast is no option; there is --cluster-only\n' })
})
