/**
 * What GitOps tools meet: every example applied server-side on a real API server with the webhook, and a second sync that finds nothing to do.
 */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import { celEnv, parse as parseCel, plan } from '@bufbuild/cel'
import { kinds, phases } from '@mnemos/api'
import { eventually, startTestCluster } from '@mnemos/testkit'
import { parse, parseAllDocuments } from 'yaml'
import { fluxObjection } from './go-tools.fixture.ts'
import { kubectl, startWebhook } from './webhook.fixture.ts'

const cluster = await startTestCluster({ crds: true, controllers: true })
await kubectl(cluster, ['create', 'namespace', 'mnemos-system'])
const webhook = await startWebhook(cluster)
after(() => webhook.stop())

const exampleFiles = ['examples/platform', 'examples/team', 'examples/quickstart/model.yaml', 'examples/quickstart/job.yaml']

for (const path of exampleFiles) {
  test(`${path}: applied, strictly, and a second sync shows no difference`, async () => {
    await eventually(
      async () => {
        const applied = await kubectl(cluster, [
          'apply',
          '--server-side',
          '--field-manager=argocd-controller',
          '--validate=strict',
          '-f',
          path,
        ])
        assert.equal(applied.code, 0, applied.stderr)
        return true
      },
      { timeoutMs: 60_000, message: `${path} is applied` },
    )
    const diff = await kubectl(cluster, ['diff', '--server-side', '--field-manager=argocd-controller', '-f', path])
    assert.deepEqual([diff.code, diff.stdout], [0, ''], diff.stderr)
    const versions = (): Promise<{ stdout: string }> =>
      kubectl(cluster, ['get', '-f', path, '-o', 'custom-columns=K:.kind,N:.metadata.name,G:.metadata.generation'])
    const before = await versions()
    assert.notEqual(before.stdout, '')
    await kubectl(cluster, ['apply', '--server-side', '--field-manager=argocd-controller', '-f', path])
    assert.equal((await versions()).stdout, before.stdout)
  })
}

test('a difference that a person made is seen', async () => {
  await kubectl(cluster, ['patch', 'mnemosqueue', 'research', '--type=merge', '-p', '{"spec": {"maxPriority": "low"}}'])
  const diff = await kubectl(cluster, [
    'diff',
    '--server-side',
    '--force-conflicts',
    '--field-manager=argocd-controller',
    '-f',
    'examples/platform',
  ])
  assert.equal(diff.code, 1)
  assert.match(diff.stdout, /\n-\s+maxPriority: low\n\+\s+maxPriority: high/)
})

test('kustomize gives argocd-cm a health script for every kind, under the key that Argo CD reads', async () => {
  const built = await kubectl(cluster, ['kustomize', 'examples/gitops/argocd'])
  assert.equal(built.code, 0, built.stderr)
  const objects = parseAllDocuments(built.stdout).map((document) => document.toJS() as { kind: string; data?: Record<string, string> })
  const script = await readFile('examples/gitops/argocd/health.lua', 'utf8')
  const data = Object.entries(objects.find(({ kind }) => kind === 'ConfigMap')?.data ?? {})
  const wanted = kinds.map(({ kind }) => [`resource.customizations.health.mnemos.dev_${kind}`, script])
  assert.deepEqual(Object.fromEntries(data.filter(([key]) => key.includes('.health.'))), Object.fromEntries(wanted))
  for (const kind of ['Job', 'Worker']) {
    const actions = await readFile(`examples/gitops/argocd/actions/${kind.toLowerCase()}.yaml`, 'utf8')
    assert.deepEqual(
      data.filter(([key]) => key === `resource.customizations.actions.mnemos.dev_${kind}`),
      [[`resource.customizations.actions.mnemos.dev_${kind}`, actions]],
    )
  }
  assert.deepEqual(objects.map(({ kind }) => kind).sort(), ['AppProject', 'Application', 'Application', 'ConfigMap'])
})

test('the project lets in what the examples hold, and no more', async () => {
  const project = parse(await readFile('examples/gitops/argocd/project.yaml', 'utf8')) as {
    spec: Record<'clusterResourceWhitelist' | 'namespaceResourceWhitelist', readonly { group: string; kind: string }[]>
  }
  const allowed = Object.values(project.spec)
    .flat()
    .filter((entry) => typeof entry === 'object' && 'kind' in entry)
  const held = new Set<string>()
  for (const folder of ['examples/platform', 'examples/team']) {
    for (const name of await readdir(folder)) {
      for (const document of parseAllDocuments(await readFile(`${folder}/${name}`, 'utf8'))) {
        const { apiVersion, kind } = document.toJS() as { apiVersion: string; kind: string }
        held.add(`${apiVersion.includes('/') ? apiVersion.split('/')[0] : ''}/${kind}`)
      }
    }
  }
  assert.deepEqual(allowed.map(({ group, kind }) => `${group}/${kind}`).sort(), [...held].sort())
})

test("Flux's own types take its manifests, strictly", async () => {
  for (const name of ['source', 'platform', 'team']) {
    const manifest = await readFile(`examples/gitops/flux/${name}.yaml`, 'utf8')
    assert.equal(await fluxObjection(manifest), '', name)
    assert.match(await fluxObjection(manifest.replace('  interval:', '  intervall:')), /unknown field "intervall"/)
  }
})

test('Flux waits for health in every Kustomization, and for the platform before the team', async () => {
  const kustomizations = await Promise.all(
    ['platform', 'team'].map(async (name) => {
      return parse(await readFile(`examples/gitops/flux/${name}.yaml`, 'utf8')) as {
        spec: { wait: boolean; path: string; sourceRef: { name: string }; dependsOn?: readonly { name: string }[] }
      }
    }),
  )
  assert.deepEqual(
    kustomizations.map(({ spec }) => [spec.wait, spec.path, spec.sourceRef.name, spec.dependsOn?.[0]?.name]),
    [
      [true, './platform', 'mnemos-objects', undefined],
      [true, './team', 'mnemos-objects', 'mnemos-platform'],
    ],
  )
})

test('the expressions of docs/gitops.md are taken by Flux, and each phase of a Job is one of waiting, failed and done', async () => {
  const [, block = ''] = /```yaml\n(healthCheckExprs:[\s\S]*?)```/.exec(await readFile('docs/gitops.md', 'utf8')) ?? []
  const manifest = `${await readFile('examples/gitops/flux/team.yaml', 'utf8')}${block.replaceAll(/^/gm, '  ').trimEnd()}\n`
  assert.equal(await fluxObjection(manifest), '')
  const [exprs] = (parse(block) as { healthCheckExprs: readonly Record<string, string>[] }).healthCheckExprs
  const judge = (expression: string, phase: string): unknown => plan(celEnv(), parseCel(expression))({ status: { phase } })
  const verdictOf = (phase: string): string =>
    ['inProgress', 'failed', 'current'].filter((word) => judge(exprs?.[word] ?? '', phase) === true).join()
  assert.deepEqual(Object.fromEntries(phases.map((phase) => [phase, verdictOf(phase)])), {
    ...{ Pending: 'inProgress', Scheduled: 'inProgress', Running: 'inProgress', Retrying: 'inProgress' },
    ...{ Succeeded: 'current', Failed: 'failed', Cancelled: 'failed' },
  })
})
