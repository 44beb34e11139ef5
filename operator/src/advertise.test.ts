import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sliceOf } from './advertise.ts'

const where = { ip: '10.1.2.3', port: 9090, namespace: 'mnemos-system' }

test('the family of addresses follows from the address', () => {
  assert.equal(sliceOf(where, undefined).addressType, 'IPv4')
  assert.equal(sliceOf({ ...where, ip: 'fd00::7' }, undefined).addressType, 'IPv6')
})

test('the slice belongs to the Service, names its port and who manages it', () => {
  const owner = { apiVersion: 'v1', kind: 'Service', name: 'mnemos-dispatch', uid: 'u' }
  const { metadata, ports, endpoints } = sliceOf({ ...where, podName: 'operator-1' }, owner)
  assert.equal(metadata.labels?.['kubernetes.io/service-name'], 'mnemos-dispatch')
  assert.equal(metadata.labels['endpointslice.kubernetes.io/managed-by'], 'mnemos-operator')
  assert.deepEqual(metadata.ownerReferences, [owner])
  assert.deepEqual(ports, [{ name: 'grpc', port: 9090, protocol: 'TCP' }])
  assert.deepEqual(endpoints, [
    {
      addresses: ['10.1.2.3'],
      conditions: { ready: true, serving: true, terminating: false },
      targetRef: { kind: 'Pod', namespace: 'mnemos-system', name: 'operator-1' },
    },
  ])
})
