/** Admission as a person at a terminal meets it: kubectl, a real API server, our webhook; then the same without the webhook. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { eventually, startTestCluster } from '@mnemos/testkit'
import { apply, jobYaml, kubectl, modelYaml, type Printed, startWebhook } from './webhook.fixture.ts'

const operator = 'system:serviceaccount:mnemos-system:mnemos-operator'
const everybody = ['system:masters']
const cluster = await startTestCluster({
  crds: true,
  users: [
    { name: 'alice', groups: everybody },
    { name: 'mallory', groups: everybody },
    { name: operator, groups: everybody },
  ],
})
await cluster.kubectlRun(['create', 'namespace', 'mnemos-system'])
const webhook = await startWebhook(cluster)
after(() => webhook.stop())
await apply(cluster, modelYaml)
await eventually(async () => (await apply(cluster, jobYaml('known'), ['--dry-run=server'])).stderr === '', {
  message: 'the webhook knows the Model',
})

const as = (user: string): string => `--token=${cluster.tokenFor(user)}`
const requesterOf = async (name: string): Promise<string> =>
  (await kubectl(cluster, ['get', 'mnemosjobs', name, '-o', 'jsonpath={.metadata.annotations.mnemos\\.dev/requester}'])).stdout

test('a mistyped Job: what kubectl prints', async () => {
  const printed = await apply(cluster, jobYaml('greet', 'priority: hihg', 'retry: {limit: -1}', 'dependsOn: [prepare, greet]'))
  assert.equal(
    printed.stderr,
    [
      'The Job "greet" is invalid: ',
      '* spec.priority: "hihg" is not supported; did you mean "high"?',
      '* spec.retry.limit: -1 is less than 0; use a whole number from 0 to 100',
      '* spec.dependsOn[1]: the Job "greet" cannot wait for itself; remove the entry or name another Job',
      '',
    ].join('\n'),
  )
  assert.equal(printed.code, 1)
})

test('two mistyped Jobs in one file: each mistake by JSON Pointer', async () => {
  const printed = await apply(cluster, `${jobYaml('one', 'priority: hihg')}---\n${jobYaml('two', 'retry: {limit: -1}')}`)
  assert.equal(
    printed.stderr,
    [
      'Error from server (Invalid): error when creating "STDIN": admission webhook "mutate.mnemos.dev" denied the request: Job "one" has one mistake:',
      '- /spec/priority: "hihg" is not supported; did you mean "high"?',
      'Error from server (Invalid): error when creating "STDIN": admission webhook "mutate.mnemos.dev" denied the request: Job "two" has one mistake:',
      '- /spec/retry/limit: -1 is less than 0; use a whole number from 0 to 100',
      '',
    ].join('\n'),
  )
})

test('an unknown Model is a Warning, and the Job is there', async () => {
  const printed = await apply(cluster, jobYaml('wrong-model').replace('name: smollm}', 'name: smol}'))
  assert.deepEqual(printed, {
    code: 0,
    stdout: 'job.mnemos.dev/wrong-model created\n',
    stderr: 'Warning: no Model `smol`; did you mean `smollm`?\n',
  })
})

test('an unknown Queue is a Warning', async () => {
  await apply(cluster, 'apiVersion: mnemos.dev/v1alpha1\nkind: Queue\nmetadata: {name: research}\nspec: {}\n')
  await eventually(async () =>
    /did you mean `research`/.test((await apply(cluster, jobYaml('q', 'queue: reserach'), ['--dry-run=server'])).stderr),
  )
})

const bad = ['priority: hihg']
const ways: Record<string, (name: string) => Promise<Printed>> = {
  'kubectl create': (name) => kubectl(cluster, ['create', '-f', '-'], jobYaml(name, ...bad)),
  'kubectl apply': (name) => apply(cluster, jobYaml(name, ...bad)),
  'server-side apply': (name) => apply(cluster, jobYaml(name, ...bad), ['--server-side']),
  'a dry run': (name) => apply(cluster, jobYaml(name, ...bad), ['--dry-run=server']),
  'an update by apply': async (name) => {
    await apply(cluster, jobYaml(name))
    return apply(cluster, jobYaml(name, ...bad))
  },
  'a merge patch': async (name) => {
    await apply(cluster, jobYaml(name))
    return kubectl(cluster, ['patch', 'mnemosjob', name, '--type=merge', '-p', '{"spec":{"priority":"hihg"}}'])
  },
  'a JSON patch': async (name) => {
    await apply(cluster, jobYaml(name))
    return kubectl(cluster, ['patch', 'mnemosjob', name, '--type=json', '-p', '[{"op":"replace","path":"/spec/priority","value":"hihg"}]'])
  },
  'a replace': async (name) => {
    await apply(cluster, jobYaml(name))
    return kubectl(cluster, ['replace', '-f', '-'], jobYaml(name, ...bad))
  },
  'a server-side apply over an object': async (name) => {
    await apply(cluster, jobYaml(name))
    return apply(cluster, jobYaml(name, ...bad), ['--server-side', '--force-conflicts'])
  },
}

test('the verdict is the same whichever way a mistake comes', async (t) => {
  for (const [way, send] of Object.entries(ways)) {
    await t.test(way, async () => {
      const name = way.toLowerCase().replaceAll(' ', '-')
      const printed = await send(name)
      assert.equal(printed.code, 1)
      assert.match(printed.stderr, new RegExp(`^The Job "${name}" is invalid: spec\\.priority: .*did you mean .*high`))
    })
  }
})

test('a Job above the priority of its Queue is refused, and what the Queue took before it was lowered goes on', async () => {
  const queue = (maxPriority: string): string => `apiVersion: mnemos.dev/v1alpha1
kind: Queue
metadata: {name: calm}
spec: {maxPriority: ${maxPriority}}
`
  await apply(cluster, queue('high'))
  assert.equal((await apply(cluster, jobYaml('urgent', 'queue: calm', 'priority: high'))).code, 0)
  await apply(cluster, queue('normal'))
  const another = jobYaml('another', 'queue: calm', 'priority: high')
  const refusal = /spec\.priority: high is above normal, the highest that Queue "calm" takes; use normal or less, or another Queue/
  await eventually(async () => refusal.test((await apply(cluster, another, ['--dry-run=server'])).stderr), { message: 'it is refused' })
  const cancelled = await kubectl(cluster, ['patch', 'mnjob', 'urgent', '--type=merge', '-p', '{"spec":{"cancel":true}}'])
  assert.equal(cancelled.code, 0, cancelled.stderr)
})

test('a namespace cannot label itself out of admission', async () => {
  await kubectl(cluster, ['create', 'namespace', 'sly'])
  await kubectl(cluster, ['label', 'namespace', 'sly', 'control-plane=true', 'admission.mnemos.dev/ignore=true'])
  await kubectl(cluster, ['label', 'namespace', 'sly', '--overwrite', 'kubernetes.io/metadata.name=mnemos-system'])
  const printed = await apply(
    cluster,
    jobYaml('sly', 'dependsOn: [sly]').replace('namespace: default', 'namespace: sly, labels: {control-plane: "true"}'),
  )
  assert.equal(printed.code, 1)
  assert.match(printed.stderr, /cannot wait for itself/)
})

test('the requester is whoever asked, whatever the manifest says', async () => {
  const forged = jobYaml('forged').replace('name: forged,', 'name: forged, annotations: {mnemos.dev/requester: alice},')
  const printed = await kubectl(cluster, ['create', as('mallory'), '-f', '-'], forged)
  assert.match(printed.stderr, /^Warning: metadata\.annotations\[mnemos\.dev\/requester\] is set by MNEMOS and cannot be chosen/)
  assert.equal(await requesterOf('forged'), 'mallory')
})

test('the requester never changes', async () => {
  await kubectl(cluster, ['create', as('alice'), '-f', '-'], jobYaml('kept'))
  const changes = [
    ['annotate', 'mnemosjob', 'kept', '--overwrite', 'mnemos.dev/requester=mallory'],
    ['annotate', 'mnemosjob', 'kept', 'mnemos.dev/requester-'],
    ['patch', 'mnemosjob', 'kept', '--type=merge', '-p', '{"metadata":{"annotations":null}}'],
    [
      'patch',
      'mnemosjob',
      'kept',
      '--subresource=status',
      '--type=merge',
      '-p',
      '{"metadata":{"annotations":{"mnemos.dev/requester":"mallory"}}}',
    ],
  ]
  for (const change of changes) {
    await kubectl(cluster, [...change, as('mallory')])
    assert.equal(await requesterOf('kept'), 'alice', change.join(' '))
  }
  await kubectl(cluster, ['replace', as('mallory'), '-f', '-'], jobYaml('kept', 'suspend: true'))
  assert.equal(await requesterOf('kept'), 'alice')
})

test('what the operator makes keeps the requester that it names', async () => {
  const child = jobYaml('child').replace('name: child,', 'name: child, annotations: {mnemos.dev/requester: alice},')
  await kubectl(cluster, ['create', as(operator), '-f', '-'], child)
  assert.equal(await requesterOf('child'), 'alice')
})

test('a 2 MB prompt is refused in bytes, and by name', async () => {
  const job = {
    apiVersion: 'mnemos.dev/v1alpha1',
    kind: 'Job',
    metadata: { name: 'huge', namespace: 'default' },
    spec: { inference: { modelRef: { name: 'smollm' }, prompt: 'x'.repeat(2_000_000) } },
  }
  const printed = await kubectl(cluster, ['create', '-f', '-'], JSON.stringify(job))
  assert.match(printed.stderr, /^The Job "huge" is invalid: spec\.inference\.prompt: has 2000000 bytes of UTF-8/)
  assert.ok(printed.stderr.length < 1000, 'the prompt is not echoed')
})

test('without the webhook nothing gets in unjudged, and what needs no judging goes on', async () => {
  await apply(cluster, jobYaml('left'))
  await kubectl(cluster, ['patch', 'mnemosjob', 'left', '--type=merge', '-p', '{"metadata":{"finalizers":["mnemos.dev/test"]}}'])
  await webhook.stop()
  const good = await apply(cluster, jobYaml('unjudged'))
  assert.equal(good.code, 1)
  assert.match(good.stderr, /failed calling webhook/)
  await kubectl(cluster, ['delete', 'mnemosjob', 'left', '--wait=false'])
  const freed = await kubectl(cluster, ['patch', 'mnemosjob', 'left', '--type=merge', '-p', '{"metadata":{"finalizers":null}}'])
  assert.equal(freed.code, 0, freed.stderr)
  assert.equal((await kubectl(cluster, ['get', 'mnemosjob', 'left'])).code, 1)
})

test('even with the registration removed, the CRD refuses the hard errors', async () => {
  await kubectl(cluster, ['delete', 'mutatingwebhookconfiguration,validatingwebhookconfiguration', 'mnemos'])
  const hard: readonly (readonly [line: string, want: RegExp])[] = [
    ['priority: hihg', /spec\.priority: Unsupported value/],
    ['retry: {limit: -1}', /spec\.retry\.limit: Invalid value/],
    ['maintenance: {task: ImportModel}', /exactly one of inference, container and maintenance/],
    ['colour: red', /unknown field "spec\.colour"/],
  ]
  await eventually(async () => (await apply(cluster, jobYaml('unhooked'))).code === 0)
  for (const [line, want] of hard) {
    const printed = await apply(cluster, jobYaml('hard', line))
    assert.equal(printed.code, 1, line)
    assert.match(printed.stderr, want)
  }
})
