/** Where the dispatch Service points: to the leader's pod, and to nobody who led before. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type KubeObject, leases, resource } from '@mnemos/kube'
import { eventually } from '@mnemos/testkit'
import { fast, startBench } from './operator.fixture.ts'

interface Slice extends KubeObject {
  readonly addressType: string
  readonly endpoints: readonly { readonly addresses: readonly string[]; readonly targetRef?: { readonly name?: string } }[]
  readonly ports: readonly { readonly name?: string; readonly port?: number }[]
}
const slices = resource<Slice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
  kind: 'EndpointSlice',
  namespaced: true,
})
const services = resource({ group: '', version: 'v1', plural: 'services', kind: 'Service', namespaced: true })
const name = { namespace: 'mnemos-system', name: 'mnemos-dispatch' }

const bench = await startBench()
const { client } = bench
const spec = { ports: [{ name: 'grpc', port: 9090 }] }
const service = await client.create(services, { apiVersion: 'v1', kind: 'Service', metadata: name, ...{ spec } })

const inPod = (pod: string, ip: string) => bench.startOperator(pod, undefined, { pod: { ip, name: pod } })
const pointsTo = async (): Promise<string | undefined> => (await client.get(slices, name))?.endpoints[0]?.addresses[0]
const isAt = (ip: string) => eventually(async () => (await pointsTo()) === ip, { timeoutMs: 15_000, message: `dispatch is at ${ip}` })

test('the leader is the one endpoint, a standby is none, and the next leader takes the place', async () => {
  const first = await inPod('operator-a', '10.1.2.3')
  await isAt('10.1.2.3')
  const slice = await client.get(slices, name)
  assert.equal(slice?.metadata.labels?.['kubernetes.io/service-name'], 'mnemos-dispatch')
  assert.equal(slice.metadata.ownerReferences?.[0]?.uid, service.metadata.uid)
  assert.equal(slice.endpoints[0]?.targetRef?.name, 'operator-a')
  assert.deepEqual(
    slice.ports.map(({ name: port, port: number }) => [port, number]),
    [['grpc', Number(first.dispatch.split(':')[1])]],
  )
  const second = await inPod('operator-b', '10.1.2.4')
  assert.equal(await pointsTo(), '10.1.2.3')
  assert.deepEqual(await Promise.all([first, second].map(async ({ health }) => (await fetch(`${health}/readyz`)).status)), [200, 200])
  const since = performance.now()
  await first.stop()
  await isAt('10.1.2.4')
  assert.ok(performance.now() - since < fast.lease.leaseMs + 3000)
  assert.equal((await client.get(slices, name))?.endpoints.length, 1)
  await second.stop()
})

test('a leader with an address of the other family takes the place, too', async () => {
  const six = await inPod('operator-six', 'fd00::7')
  await isAt('fd00::7')
  assert.equal((await client.get(slices, name))?.addressType, 'IPv6')
  await six.stop()
  const four = await inPod('operator-four', '10.1.2.5')
  await isAt('10.1.2.5')
  assert.equal((await client.get(slices, name))?.addressType, 'IPv4')
  await four.stop()
})

test('what somebody else does to the slice is undone while its writer leads, and not a moment longer', async () => {
  const leader = await inPod('operator-c', '10.1.2.6')
  await isAt('10.1.2.6')
  const elsewhere = { endpoints: [{ addresses: ['10.9.9.9'] }] }
  await client.patch(slices, name, elsewhere)
  await isAt('10.1.2.6')
  await client.delete(slices, name)
  await isAt('10.1.2.6')
  const lease = { namespace: 'mnemos-system', name: 'mnemos-operator' }
  const thief = { holderIdentity: 'thief', leaseDurationSeconds: 60, renewTime: new Date().toISOString().replace('Z', '000Z') }
  await eventually(async () => {
    const { metadata } = (await client.get(leases, lease)) ?? assert.fail('no lease')
    await client.patch(leases, lease, { metadata: { resourceVersion: metadata.resourceVersion }, spec: thief })
    return true
  })
  await new Promise((resolve) => setTimeout(resolve, 2 * fast.lease.retryMs))
  await client.patch(slices, name, elsewhere)
  // Twice as long as a leader takes to look again.
  await new Promise((resolve) => setTimeout(resolve, 10 * fast.lease.retryMs))
  assert.equal(await pointsTo(), '10.9.9.9')
  assert.equal((await fetch(`${leader.health}/readyz`)).status, 200)
  await leader.stop()
})
