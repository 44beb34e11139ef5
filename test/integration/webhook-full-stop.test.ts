/**
 * The whole cluster stops, webhook and API server together, and starts again with the webhook last: nothing of ours may be what keeps the
 * webhook from coming back, and nobody has to help.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, startTestCluster } from '@mnemos/testkit'
import { apply, jobYaml, kubectl, startWebhook } from './webhook.fixture.ts'

const cluster = await startTestCluster({ crds: true })
await cluster.kubectlRun(['create', 'namespace', 'mnemos-system'])

/** What a webhook's pod needs before it can serve, in the namespace of the system. */
const needed = `apiVersion: apps/v1
kind: Deployment
metadata: {name: mnemos-webhook, namespace: mnemos-system}
spec:
  selector: {matchLabels: {app: webhook}}
  template:
    metadata: {labels: {app: webhook}}
    spec: {containers: [{name: main, image: mnemos}]}
---
apiVersion: v1
kind: Secret
metadata: {name: later, namespace: mnemos-system}
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: later, namespace: mnemos-system}
`

test('after a full stop the webhook comes back by itself; until then nothing gets in unjudged and nothing it needs is held back', async () => {
  const first = await startWebhook(cluster)
  assert.equal((await apply(cluster, jobYaml('before'))).code, 0)
  // Everything at once, as when the power goes: what is registered points to nobody.
  await Promise.all([first.stop(), cluster.kill('kube-apiserver', 'etcd')])
  await cluster.start('etcd', 'kube-apiserver')
  const refused = await eventually(async () => {
    const answer = await apply(cluster, jobYaml('during'))
    assert.match(answer.stderr, /failed calling webhook/)
    return answer
  })
  assert.notEqual(refused.code, 0)
  assert.equal((await kubectl(cluster, ['get', 'mnjob', 'during'])).code, 1, 'nothing got in')
  assert.equal((await apply(cluster, needed)).code, 0, 'the pods of the webhook and what they need are not asked about')
  const status = ['patch', 'mnjob', 'before', '--subresource=status', '--type=merge', '-p', '{"status":{"phase":"Scheduled","attempt":1}}']
  assert.equal((await kubectl(cluster, status)).code, 0, 'the operator goes on')
  const second = await startWebhook(cluster)
  assert.match((await apply(cluster, jobYaml('wrong', 'priority: hihg'))).stderr, /did you mean "high"/)
  assert.equal((await apply(cluster, jobYaml('after'))).code, 0)
  await second.stop()
})

test('it comes back however often, and before the API server does', async () => {
  await cluster.kill('kube-apiserver', 'etcd')
  const starting = startWebhook(cluster)
  await cluster.start('etcd', 'kube-apiserver')
  const webhook = await starting
  assert.equal((await apply(cluster, jobYaml('again'))).code, 0)
  await webhook.stop()
})
