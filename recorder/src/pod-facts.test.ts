import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '@mnemos/domain'
import { logNameOf, logStateOf } from './pod-facts.ts'

const owner = { apiVersion: 'mnemos.dev/v1alpha1', kind: 'Job', name: 'j', uid: 'u', controller: true }
const pod = (metadata: Partial<Pod['metadata']> = {}, status: Pod['status'] = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'n', labels: { 'mnemos.dev/attempt': '2' }, ownerReferences: [owner], ...metadata },
  status,
})

test('a log belongs to the Job that controls the pod, and to its attempt', () => {
  assert.deepEqual(logNameOf(pod()), { namespace: 'n', uid: 'u', attempt: 2 })
})

const strangers: Record<string, Pod> = {
  'a pod that only carries our labels': pod({ ownerReferences: [] }),
  'a pod of a Job of Kubernetes': pod({ ownerReferences: [{ ...owner, apiVersion: 'batch/v1' }] }),
  'a pod whose Job does not control it': pod({ ownerReferences: [{ ...owner, controller: false }] }),
  'a pod without an attempt': pod({ labels: {} }),
  'a pod whose attempt is no number': pod({ labels: { 'mnemos.dev/attempt': '../a1' } }),
}

for (const [what, stranger] of Object.entries(strangers))
  test(`${what} has no log of ours`, () => assert.equal(logNameOf(stranger), undefined))

const main = (state: object) => ({ containerStatuses: [{ name: 'main', state }] })
const states: Record<string, { readonly status: Pod['status']; readonly want: string }> = {
  'a fresh pod': { status: {}, want: 'waiting' },
  'a container that waits': { status: main({ waiting: {} }), want: 'waiting' },
  'a container that runs': { status: { phase: 'Running', ...main({ running: {} }) }, want: 'writing' },
  'a container that ended while the sidecar still works': { status: { phase: 'Running', ...main({ terminated: {} }) }, want: 'complete' },
  'a pod on a node that is lost': { status: { phase: 'Failed', ...main({ running: {} }) }, want: 'complete' },
  'a pod that was evicted before it began': { status: { phase: 'Failed', ...main({ waiting: {} }) }, want: 'none' },
}

for (const [what, { status, want }] of Object.entries(states))
  test(`${what} is ${want}`, () => assert.equal(logStateOf(pod({}, status)), want))
