/** The policies of examples/policies on a real API server: what kubectl prints when they refuse, rewrite, warn and only record. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { eventually, startTestCluster } from '@mnemos/testkit'
import { apply, jobYaml, kubectl, startWebhook } from './webhook.fixture.ts'

const cluster = await startTestCluster({ crds: true })
await cluster.kubectlRun(['create', 'namespace', 'mnemos-system'])
const webhook = await startWebhook(cluster)
after(() => webhook.stop())

/** A policy is in force some milliseconds after it was stored: each webhook has to hear of it. */
async function enforced(file: string, isInForce: () => Promise<boolean>): Promise<void> {
  const { stderr, code } = await kubectl(cluster, ['apply', '-f', `examples/policies/${file}.yaml`])
  assert.equal(code, 0, stderr)
  await eventually(isInForce, { message: `${file} is in force` })
}
const isRefused = async (yaml: string): Promise<boolean> => (await apply(cluster, yaml, ['--dry-run=server'])).code !== 0
const remove = (file: string): Promise<unknown> => kubectl(cluster, ['delete', '-f', `examples/policies/${file}.yaml`])

function modelYaml(name: string, license: string, uri = 's3://models/x.gguf', namespace = 'default'): string {
  return `apiVersion: mnemos.dev/v1alpha1
kind: Model
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  license: ${license}
  source: {uri: "${uri}", digest: "sha256:${'0'.repeat(64)}"}
`
}
const asking = (name: string, prompt: string): string => jobYaml(name).replace('Say hello.', JSON.stringify(prompt))

test('open-models: every fault of a Model is told at once, and the exception holds in its namespace only', async () => {
  await enforced('open-models', () => isRefused(modelYaml('probe', 'GPL-3.0-only')))
  const yaml = modelYaml('llama-tiny', 'llama3.1', 'https://mirror.example.net/llama.gguf').replace(/, digest: "[^"]*"/, '')
  const { stderr } = await apply(cluster, yaml)
  assert.match(stderr, /The Model "llama-tiny" is invalid:/)
  assert.match(
    stderr,
    /spec\.license: .*LicenseRef-llama3\.1 is not allowed \(ClusterPolicy "open-models", rule "open-licence"\); ask the platform/,
  )
  assert.match(stderr, /spec\.source\.uri: https:\/\/mirror\.example\.net\/llama\.gguf is no source that is allowed/)
  assert.match(stderr, /spec\.source\.digest: is required/)
  await cluster.kubectlRun(['create', 'namespace', 'research'])
  assert.equal((await apply(cluster, modelYaml('llama-tiny', 'llama3.1', 's3://models/llama.gguf', 'research'))).code, 0)
  assert.equal((await apply(cluster, modelYaml('gemma-tiny', 'gemma', 's3://models/gemma.gguf', 'research'))).code, 1)
  assert.equal((await apply(cluster, modelYaml('good', 'mit OR GPL-3.0-only'))).code, 0)
  await remove('open-models')
})

test('no-personal-data: what may be replaced is, also in the copy that kubectl keeps, and applying again changes nothing', async () => {
  await enforced('no-personal-data', () => isRefused(asking('probe', 'My SSN is 536-22-8145.')))
  const yaml = asking('mail', 'Write to jane.doe@example.com about the meeting.')
  const first = await apply(cluster, yaml)
  assert.equal(first.code, 0, first.stderr)
  assert.match(first.stderr, /Warning: spec\.inference\.prompt: holds personal data \(Email\).*redacted/)
  const { stdout } = await kubectl(cluster, ['get', 'mnjob', 'mail', '-o', 'json'])
  assert.doesNotMatch(stdout, /jane\.doe/)
  assert.match(stdout, /Write to \[Email\] about the meeting/)
  const second = await apply(cluster, yaml)
  assert.equal(second.code, 0, second.stderr)
  assert.match(second.stdout, /mail (unchanged|configured)/)
  const refused = await apply(cluster, asking('card', 'Charge 4111 1111 1111 1111 please.'))
  assert.match(
    refused.stderr,
    /spec\.inference\.prompt: holds personal data \(Card\) \(ClusterPolicy "no-personal-data", rule "pii"\); use the placeholder/,
  )
  assert.doesNotMatch(refused.stderr, /4111/)
})

test('fair-use: ceilings refuse and the cost is told before it is spent', async () => {
  await enforced('fair-use', () => isRefused(jobYaml('probe', 'priority: critical')))
  const { stderr } = await apply(cluster, jobYaml('greedy', 'priority: critical', 'retry: {limit: 9}'))
  assert.match(stderr, /spec\.priority: critical is above high/)
  assert.match(stderr, /spec\.retry\.limit: 9 is above 5 .*; use at most 5/)
  const dear = jobYaml('dear').replace('name: smollm}, prompt', 'name: large}, parameters: {maxTokens: 4000}, prompt')
  const told = await apply(cluster, dear)
  assert.equal(told.code, 0, told.stderr)
  assert.match(told.stderr, /Warning: spec\.inference: one attempt costs up to 0\.0400\d* EUR \(an estimate\)/)
})

test('trusted-images: a Policy judges its own namespace, by images and by an expression', async () => {
  const container = (name: string, image: string, namespace = 'default'): string => `apiVersion: mnemos.dev/v1alpha1
kind: Job
metadata: {name: ${name}, namespace: ${namespace}, labels: {owner: jane}}
spec:
  container: {image: ${image}}
`
  await enforced('trusted-images', () => isRefused(container('probe', 'busybox')))
  const { stderr } = await apply(cluster, container('shell', 'busybox').replace(', labels: {owner: jane}', ''))
  assert.match(stderr, /spec\.container\.image: the image busybox is not allowed \(Policy "default\/trusted-images", rule "registry"\)/)
  assert.match(stderr, /the expression of the rule is false \(Policy "default\/trusted-images", rule "owner"\); add it: kubectl label/)
  assert.equal((await apply(cluster, container('fine', 'registry.example.com/team-a/app:1'))).code, 0)
  await cluster.kubectlRun(['create', 'namespace', 'elsewhere'])
  assert.equal((await apply(cluster, container('shell', 'busybox', 'elsewhere'))).code, 0)
  await remove('trusted-images')
})

test('watch-first: Audit refuses nothing and says nothing, but counts', async () => {
  await kubectl(cluster, ['apply', '-f', 'examples/policies/watch-first.yaml'])
  const count = async (): Promise<boolean> => {
    const { code, stderr } = await apply(cluster, jobYaml(`timeless-${Date.now()}`))
    assert.equal(code, 0, stderr)
    assert.doesNotMatch(stderr, /watch-first/)
    const metrics = await (await fetch(`http://127.0.0.1:${webhook.healthPort}/metrics`)).text()
    return metrics.includes('mnemos_policy_violations_total{policy="ClusterPolicy \\"watch-first\\"",rule="deadline",action="Audit"}')
  }
  await eventually(count, { message: 'the violation is counted' })
})

test('a policy that does not compile is refused with the place and the reason', async () => {
  const { stderr } = await apply(
    cluster,
    `apiVersion: mnemos.dev/v1alpha1
kind: ClusterPolicy
metadata: {name: broken}
spec:
  rules:
    - {name: slip, expression: "objekt.spec.queue == 'x'"}
    - {name: licence, license: {allow: ["Apache 2"]}}
`,
  )
  assert.match(stderr, /The ClusterPolicy "broken" is invalid:/)
  assert.match(stderr, /spec\.rules\[0\]\.expression: there is no variable "objekt"; the variables are object, oldObject, request/)
  assert.match(stderr, /spec\.rules\[1\]\.license\.allow\[0\]: "Apache 2" is no SPDX licence/)
})

test('a label does not carry an object past a policy, nor does a change after a benign creation', async () => {
  assert.equal((await apply(cluster, jobYaml('benign'))).code, 0)
  const patch = JSON.stringify({ spec: { priority: 'critical' } })
  const { stderr, code } = await kubectl(cluster, ['patch', 'mnjob', 'benign', '--type=merge', '-p', patch])
  assert.equal(code, 1)
  assert.match(stderr, /critical is above high/)
})

test('a label that brings an object under a policy is judged as any other change', async () => {
  await apply(
    cluster,
    `apiVersion: mnemos.dev/v1alpha1
kind: ClusterPolicy
metadata: {name: tight}
spec:
  match: {labels: {matchLabels: {tier: tight}}}
  rules:
    - {name: short, limits: {maxTokens: 1}}
`,
  )
  await eventually(() => isRefused(jobYaml('probe').replace('namespace: default', 'namespace: default, labels: {tier: tight}')), {
    message: 'the policy is in force',
  })
  const { stderr, code } = await kubectl(cluster, ['label', 'mnjob', 'benign', 'tier=tight'])
  assert.equal(code, 1)
  assert.match(stderr, /spec\.inference\.parameters\.maxTokens: 256 is above 1/)
  assert.equal((await kubectl(cluster, ['label', 'mnjob', 'benign', 'tier=loose'])).code, 0)
})

test('a dry run of a policy names what exists and would be refused, and refuses nothing', async () => {
  for (const [name, priority] of [
    ['radius-a', 'high'],
    ['radius-b', 'low'],
  ] as const) {
    const made = await apply(cluster, jobYaml(name, `priority: ${priority}`))
    assert.equal(made.code, 0, made.stderr)
  }
  const policy = `apiVersion: mnemos.dev/v1alpha1
kind: Policy
metadata: {name: radius, namespace: default}
spec: {match: {kinds: [Job]}, rules: [{name: ceiling, limits: {maxPriority: normal}}]}
`
  const dry = await apply(cluster, policy, ['--dry-run=server'])
  assert.equal(dry.code, 0, dry.stderr)
  assert.match(dry.stderr, /Warning: this policy would refuse 1 of the \d+ objects that it looked at/)
  assert.match(dry.stderr, /Warning: Job default\/radius-a: spec\.priority: high is above normal/)
  const real = await apply(cluster, policy)
  assert.equal(real.code, 0, real.stderr)
  assert.doesNotMatch(real.stderr, /Warning/)
  await kubectl(cluster, ['delete', 'mnpol', 'radius'])
})
