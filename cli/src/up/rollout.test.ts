import assert from 'node:assert/strict'
import { test } from 'node:test'
import { progressOf, refusalOf, type SeenPod, troubleOf } from './rollout.ts'

const pod = (status: NonNullable<SeenPod['status']>): SeenPod => ({ metadata: { name: 'mnemos-webhook-1' }, status })
const waits = (reason: string, message: string, more: object = {}): SeenPod =>
  pod({
    containerStatuses: [{ name: 'webhook', image: 'registry.example.com/mnemos:1', state: { waiting: { reason, message } }, ...more }],
  })

const cases: Record<string, { readonly of: SeenPod; readonly what: RegExp; readonly next: RegExp }> = {
  'an image that cannot be had is named, with the values that name it': {
    of: waits('ImagePullBackOff', 'Back-off pulling image: dial tcp: lookup registry.example.com: no such host'),
    what: /its image registry\.example\.com\/mnemos:1 cannot be had \(ImagePullBackOff\): .*no such host/,
    next: /image\.registry, image\.repository, image\.tag and global\.imagePullSecrets/,
  },
  'a Secret that is missing is named by the kubelet': {
    of: waits('CreateContainerConfigError', 'secret "keys" not found'),
    what: /its configuration is not complete: secret "keys" not found/,
    next: /make the Secret/,
  },
  'a process that ends again and again says its last words': {
    of: waits('CrashLoopBackOff', '', {
      restartCount: 3,
      lastState: { terminated: { exitCode: 1, message: 'error: cannot listen on 0.0.0.0:9443 for reviews' } },
    }),
    what: /it ended 3 times, at last with 1 error: cannot listen on 0\.0\.0\.0:9443/,
    next: /kubectl logs --previous/,
  },
  'a pod that fits nowhere says what the scheduler says': {
    of: pod({
      conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes: Insufficient memory' }],
    }),
    what: /no node takes it: 0\/1 nodes: Insufficient memory/,
    next: /add room/,
  },
}

for (const [sentence, { of, what, next }] of Object.entries(cases)) {
  test(sentence, () => {
    const trouble = troubleOf([of])
    assert.match(trouble?.what ?? '', what)
    assert.match(trouble?.next ?? '', next)
    const leaving = { ...of, metadata: { ...of.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }
    assert.equal(troubleOf([leaving]), undefined, 'a pod that goes is nobody’s trouble')
  })
}

test('a pod that only takes its time is no trouble', () => {
  assert.equal(troubleOf([waits('ContainerCreating', ''), waits('CrashLoopBackOff', '', { restartCount: 1 })]), undefined)
})

test('pods that the API server refuses are told of by their Deployment', () => {
  const condition = { type: 'ReplicaFailure', status: 'True', message: 'pods "x" is forbidden: exceeded quota' }
  assert.match(refusalOf([{ metadata: { name: 'mnemos-server' }, status: { conditions: [condition] } }])?.what ?? '', /exceeded quota/)
  assert.equal(refusalOf([{ metadata: { name: 'mnemos-server' } }]), undefined)
})

test('progress counts what is ready of each process', () => {
  const ready = { metadata: { name: 'mnemos-operator-a' }, status: { conditions: [{ type: 'Ready', status: 'True' }] } }
  assert.equal(progressOf([ready, { metadata: { name: 'mnemos-operator-b' } }, waits('x', '')]), 'operator 1/2 · webhook 0/1')
})
