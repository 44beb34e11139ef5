/** Workers in pods: let in by a token that is bound to a pod, of whose making by the pool every link is proven by UID. */
import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { apiVersion, type Worker, type WorkerPool, workerPoolResource, workerResource } from '@mnemos/api'
import { controllerReference, type KubeObject, resource } from '@mnemos/kube'
import { decodeJwt, SignJWT } from 'jose'
import { type OperatorProcess, ScriptedWorker, startBench } from './operator.fixture.ts'

const pools = resource<WorkerPool>(workerPoolResource)
const workers = resource<Worker>(workerResource)
const core = (plural: string, kind: string) => resource({ group: '', version: 'v1', plural, kind, namespaced: true })
const apps = (plural: string, kind: string) => resource({ group: 'apps', version: 'v1', plural, kind, namespaced: true })
const pods = core('pods', 'Pod')
const serviceAccounts = core('serviceaccounts', 'ServiceAccount')
const namespaces = resource({ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false })
const deployments = apps('deployments', 'Deployment')
const replicaSets = apps('replicasets', 'ReplicaSet')

const bench = await startBench()
const { client, cluster } = bench
// Nobody runs controllers here: each link is made by hand, so that each can be made wrong.
await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'elsewhere' } })
for (const namespace of ['default', 'elsewhere'])
  await client.create(serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name: 'neuron' } })
const mine = await aPool('mine')
const other = await aPool('other')
const operator: OperatorProcess = await bench.startOperator()

async function aPool(name: string): Promise<WorkerPool> {
  const object = { apiVersion, kind: 'WorkerPool', metadata: { namespace: 'default', name }, spec: {} }
  return client.create(pools, object)
}

/** Kinds are left out of what some answers hold; owner references need them. */
const typed = (object: KubeObject, version: string, kind: string): KubeObject => ({ ...object, apiVersion: version, kind })

interface PodOptions {
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
}

async function aPod(name: string, owner?: KubeObject, { namespace = 'default', labels = {} }: PodOptions = {}): Promise<KubeObject> {
  const ownerReferences = owner === undefined ? [] : [controllerReference(owner)]
  return client.create(pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, labels, ownerReferences },
    ...{ spec: { serviceAccountName: 'neuron', containers: [{ name: 'neuron', image: 'none' }] } },
  })
}

/** Deployment and ReplicaSet as the controllers would make them. */
async function aReplicaSetOf(owner: KubeObject, name: string, namespace = 'default'): Promise<KubeObject> {
  const labels = { app: name }
  const template = { metadata: { labels }, spec: { containers: [{ name: 'neuron', image: 'none' }] } }
  const spec = { replicas: 0, selector: { matchLabels: labels }, template }
  const metadata = (of: KubeObject) => ({ namespace, name, labels, ownerReferences: [controllerReference(of)] })
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: metadata(owner), spec }
  const made = typed(await client.create(deployments, deployment), 'apps/v1', 'Deployment')
  const replicaSet = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: metadata(made), spec }
  return typed(await client.create(replicaSets, replicaSet), 'apps/v1', 'ReplicaSet')
}

/** What the kubelet puts into a projected volume. */
async function tokenOf(pod: KubeObject | undefined, { audience = 'mnemos', namespace = 'default' } = {}): Promise<string> {
  const { name = '', uid = '' } = pod?.metadata ?? {}
  const bound = pod === undefined ? {} : { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } }
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/neuron/token`
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [audience], ...bound } }
  const answer = await client.request<{ status: { token: string } }>('POST', path, { body })
  return answer.status.token
}

async function knock(podToken: string, hello: { pool?: string; worker?: string; joinToken?: string } = {}): Promise<ScriptedWorker> {
  const worker = new ScriptedWorker(hello.worker ?? `says-${process.hrtime.bigint()}`)
  return worker.connect(operator.dispatch, { hello: { pool: 'mine', joinToken: '', podToken, ...hello } })
}

async function isRefused(podToken: string, why: RegExp, hello: Parameters<typeof knock>[1] = {}): Promise<void> {
  const worker = await knock(podToken, hello)
  assert.match(worker.ended ?? 'let in', why)
  assert.match(worker.ended ?? '', /^7 /)
  if (podToken !== '') assert.ok(!(worker.ended ?? '').includes(podToken.slice(-20)), 'holds no secret')
  assert.equal(await client.get(workers, { namespace: 'default', name: worker.name }), undefined)
}

const replicaSet = await aReplicaSetOf(mine, 'mine')

test('a pod that the pool made is let in, and its Worker has the name of the pod', async () => {
  const worker = await knock(await tokenOf(await aPod('mine-1', replicaSet)), { worker: 'calls-itself-something' })
  assert.equal(worker.ended, undefined)
  const object = await client.get(workers, { namespace: 'default', name: 'mine-1' })
  assert.equal(object?.spec.poolRef.name, 'mine')
  assert.equal(object.metadata.ownerReferences?.[0]?.uid, mine.metadata.uid)
  assert.equal(await client.get(workers, { namespace: 'default', name: 'calls-itself-something' }), undefined)
  worker.disconnect()
})

test('a pod of another pool is refused, and the refusal says which pool and what to do', async () => {
  const pod = await aPod('other-1', await aReplicaSetOf(other, 'other'))
  await isRefused(
    await tokenOf(pod),
    /WorkerPool default\/mine takes only the pods .*Pod other-1 .*Deployment other is of another owner; .*/,
  )
})

test('a pod that copies labels and names is refused', async () => {
  const labels = { 'mnemos.dev/pool': 'mine', app: 'mine', 'app.kubernetes.io/managed-by': 'mnemos' }
  await isRefused(await tokenOf(await aPod('mine-copy', undefined, { labels })), /Pod mine-copy .*no ReplicaSet controls it/)
})

test('owner references that name the right objects by another UID prove nothing', async () => {
  const forged = { ...replicaSet, metadata: { ...replicaSet.metadata, uid: '00000000-0000-0000-0000-000000000000' } }
  await isRefused(await tokenOf(await aPod('mine-forged', forged)), /Pod mine-forged .*no ReplicaSet controls it/)
  const ghost = { ...mine, metadata: { ...mine.metadata, uid: '00000000-0000-0000-0000-000000000001' } }
  const ghosts = await aReplicaSetOf(typed(ghost, apiVersion, 'WorkerPool'), 'ghost')
  await isRefused(await tokenOf(await aPod('ghost-1', ghosts)), /Deployment ghost is of another owner/)
})

test('a Deployment of another group or kind with the UID of the pool is refused', async () => {
  const alike = await aReplicaSetOf(typed(mine, 'example.com/v1', 'WorkerPool'), 'alike')
  await isRefused(await tokenOf(await aPod('alike-1', alike)), /Deployment alike is of another owner/)
})

test('a pod in another namespace is refused, whoever it says owns it', async () => {
  const far = await aReplicaSetOf(mine, 'far', 'elsewhere')
  const pod = await aPod('far-1', far, { namespace: 'elsewhere' })
  await isRefused(await tokenOf(pod, { namespace: 'elsewhere' }), /the pod is in namespace elsewhere/)
})

test('the token of a pod that was deleted is refused, also when another has its name', async () => {
  const pod = await aPod('mine-gone', replicaSet)
  const token = await tokenOf(pod)
  const grace = { gracePeriodSeconds: 0 }
  await client.request('DELETE', '/api/v1/namespaces/default/pods/mine-gone', {
    body: { apiVersion: 'v1', kind: 'DeleteOptions', ...grace },
  })
  await isRefused(token, /pod token is not valid|is gone/)
  await aPod('mine-gone', replicaSet)
  await isRefused(token, /pod token is not valid|is gone/)
})

test('a pod that has ended is refused', async () => {
  const pod = await aPod('mine-ended', replicaSet)
  await client.patch(pods, { namespace: 'default', name: 'mine-ended' }, { status: { phase: 'Succeeded' } }, { subresource: 'status' })
  await isRefused(await tokenOf(pod), /Pod mine-ended has ended/)
})

test('a token for another audience is refused, that of the API server included', async () => {
  const pod = await aPod('mine-audience', replicaSet)
  for (const audience of ['vault', 'https://kubernetes.default.svc'])
    await isRefused(await tokenOf(pod, { audience }), /not valid for audience mnemos/)
})

test('an expired token is refused, and the same one unexpired is not', async () => {
  const pod = await aPod('mine-expired', replicaSet)
  const claims = decodeJwt(await tokenOf(pod))
  const key = createPrivateKey(await readFile(join(cluster.folder, 'service-account.key')))
  const headers = JSON.parse(Buffer.from((await tokenOf(pod)).split('.')[0] ?? '', 'base64url').toString()) as { alg: string; kid: string }
  const signed = (endsInSeconds: number) =>
    new SignJWT({ ...claims, iat: (claims.iat ?? 0) - 7200, nbf: (claims.iat ?? 0) - 7200, exp: (claims.iat ?? 0) + endsInSeconds })
      .setProtectedHeader(headers)
      .sign(key)
  await isRefused(await signed(-3600), /not valid for audience mnemos/)
  const worker = await knock(await signed(3600))
  assert.equal(worker.ended, undefined)
  worker.disconnect()
})

test('tokens that are bound to no pod, are no service account’s, or are nonsense, are refused', async () => {
  await isRefused(await tokenOf(undefined), /not valid for audience mnemos/)
  await isRefused(cluster.token, /not valid for audience mnemos/)
  await isRefused('nonsense', /not valid for audience mnemos/)
  await isRefused('x'.repeat(100_000), /not valid for audience mnemos/)
})

test('no proof stands in for the other', async () => {
  await isRefused('', /WorkerPool default\/mine .*showed no pod token; .*MNEMOS_WORKER_POD_TOKEN_FILE/, { joinToken: 'a-token-for-tests' })
  const token = await tokenOf(await aPod('mine-external', replicaSet))
  await isRefused(token, /the join token is not that of WorkerPool default\/pool/, { pool: 'pool' })
})
