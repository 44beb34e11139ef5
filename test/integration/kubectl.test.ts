/** Our kinds through kubectl, as far as no process of ours is needed for it: names, tables, explanations (docs/conventions.md). */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { group, kinds, reasonsByKind, version } from '@mnemos/api'
import { createClient, type KubeObject, resource } from '@mnemos/kube'
import { startTestCluster } from '@mnemos/testkit'
import { documentsOf } from '../../cli/src/yaml-files.ts'

const cluster = await startTestCluster({ crds: true })
const client = createClient({ credentials: cluster.credentials(), userAgent: 'test' })
const kubectl = async (...args: readonly string[]): Promise<string> => (await cluster.kubectlRun(args)).stdout

for (const folder of ['quickstart', 'platform', 'worker-pools']) {
  const files = (await readdir(`examples/${folder}`)).filter((name) => !name.startsWith('mistyped'))
  for (const name of files) await cluster.kubectlRun(['apply', '--server-side', '-f', `examples/${folder}/${name}`])
}

test('the API server accepts every name of every kind beside its own', async () => {
  const path = '{range .items[*]}{.spec.names.kind}={.status.conditions[?(@.type=="NamesAccepted")].status}{" "}{end}'
  const accepted = (await kubectl('get', 'crds', '-o', `jsonpath=${path}`)).trim().split(' ')
  assert.deepEqual(accepted.sort(), kinds.map(({ kind }) => `${kind}=True`).sort())
  const others = (await kubectl('api-resources', '--no-headers')).split('\n').filter((line) => line !== '' && !line.includes(group))
  const names = others.flatMap((line) =>
    line
      .trim()
      .split(/\s+/)
      .slice(0, 2)
      .flatMap((word) => word.split(',')),
  )
  for (const { plural, singular, shortName } of kinds)
    for (const name of [plural, singular, shortName]) assert.ok(!names.includes(name), name)
})

test('kubectl get mnemos lists every kind that has objects, and kubectl get all none', async () => {
  const listed = await kubectl('get', 'mnemos', '--all-namespaces', '--output', 'name')
  for (const kind of ['job', 'model', 'queue', 'workerpool']) assert.match(listed, new RegExp(`^${kind}\\.${group}/`, 'm'))
  assert.doesNotMatch(await kubectl('get', 'all', '--all-namespaces', '--output', 'name'), /mnemos/)
})

test('kubectl explain knows every field', async () => {
  for (const { plural } of kinds) assert.doesNotMatch(await kubectl('explain', plural, '--recursive'), /<no description>/)
})

/** What decisions would write, at its widest. */
const widest = (kind: string): object => {
  const byKind: Readonly<Record<string, object>> = reasonsByKind
  const reasons = Object.keys(byKind[kind] ?? { Ready: '' })
  const reason = reasons.sort((a, b) => b.length - a.length)[0] ?? ''
  const condition = { reason, message: 'm', observedGeneration: 1, lastTransitionTime: '2026-01-01T00:00:00Z' }
  const ready = { ...condition, type: kind === 'Job' ? 'Reconciling' : 'Ready', status: kind === 'Job' ? 'True' : 'False' }
  const phase = kind === 'Job' ? { phase: 'Scheduled', attempt: 10 } : kind === 'Model' ? { phase: 'Importing' } : {}
  const counts = kind === 'WorkerPool' ? { workers: 100, ready: 100, idle: 100, replicas: 100, scaling: { desired: 100, reason: 'r' } } : {}
  return { status: { conditions: [ready], ...phase, ...counts } }
}

test('a table is at most 80 characters wide, with a name of twenty and the longest reason', async () => {
  for (const { kind, plural, scope } of kinds) {
    const of = resource({ group, version, plural, kind, namespaced: scope === 'Namespaced' })
    const { items } = await client.list(of)
    const [example] = items as readonly (KubeObject & { readonly spec?: object })[]
    if (example === undefined) continue
    const name = { ...(scope === 'Namespaced' ? { namespace: 'default' } : {}), name: 'a-name-of-20-letters' }
    await client.create(of, { apiVersion: example.apiVersion, kind, metadata: name, ...{ spec: example.spec } })
    await client.patch(of, name, widest(kind), { subresource: 'status' })
    const table = (await kubectl('get', plural, name.name)).trimEnd().split('\n')
    for (const line of table) assert.ok(line.trimEnd().length <= 80, `${kind}, ${line.length}: ${line}`)
  }
})

/** Words that readers of YAML disagree about. */
const doubtful =
  'y n Y N yes no on off Yes ON true True TRUE null ~ 1 0x1f 0o17 017 1_000 1e3 .5 1. +1 -0 12:30 190:20:30 2026-01-01 0b101 = <<x'.split(
    ' ',
  )

test('mnemos lint reads a file as kubectl does, doubtful words and keys included', async () => {
  const words = doubtful.map((word, index) => `    k${index}: ${word}`)
  // What the API server would drop or refuse is of no use here: kubectl says what it read before it asks anybody.
  const text = `apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: words}\n  data:\n    n: a\n    y: b\n${words.join('\n')}\n`
  const read = (await cluster.kubectlRun(['create', '--dry-run=client', '--validate=false', '--output', 'json', '-f', '-'], text)).stdout
  const [list] = (await documentsOf(text, 'words.yaml')) as [{ readonly items: readonly [{ readonly data: unknown }] }]
  assert.deepEqual(JSON.parse(JSON.stringify(list.items[0].data)), (JSON.parse(read) as { data: unknown }).data)
})
