import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReviewRequest } from '@mnemos/domain'
import type { Client, KubeObject } from '@mnemos/kube'
import { virtualClock } from '@mnemos/testkit'
import { createUserRights } from './user-rights.ts'

const named = (...names: readonly string[]) =>
  names.map((name) => ({ verb: 'get' as const, group: '', resource: 'secrets', name, path: ['spec'] }))
const request = (change: Partial<ReviewRequest> = {}): ReviewRequest => ({
  ...{ stage: 'validate', operation: 'CREATE', group: 'mnemos.dev', kind: 'Model', namespace: 'team-a', userName: 'alice' },
  groups: ['people'],
  ...change,
})

function answering() {
  const asked: Record<string, unknown>[] = []
  const api = { allowed: true, fails: false }
  const create = (_: unknown, object: KubeObject & { spec?: Record<string, unknown> }): Promise<unknown> => {
    asked.push(object.spec ?? {})
    return api.fails ? Promise.reject(new Error('away')) : Promise.resolve({ ...object, status: { allowed: api.allowed } })
  }
  const clock = virtualClock()
  return { asked, api, clock, rights: createUserRights({ create } as Pick<Client, 'create'>, clock, 1000) }
}

test('the question is asked as the user, with all that is known of them, about one Secret of the namespace', async () => {
  const { asked, rights } = answering()
  await rights.denied(request({ userUid: 'u1', userExtra: { scopes: ['a'] } }), named('keys'))
  const resourceAttributes = { namespace: 'team-a', verb: 'get', group: '', resource: 'secrets', name: 'keys' }
  assert.deepEqual(asked, [{ user: 'alice', groups: ['people'], uid: 'u1', extra: { scopes: ['a'] }, resourceAttributes }])
})

test('an answer is kept for five seconds, for this user, namespace and Secret alone', async () => {
  const { asked, api, clock, rights } = answering()
  assert.deepEqual(await rights.denied(request(), named('keys')), [])
  api.allowed = false
  assert.deepEqual(await rights.denied(request(), named('keys')), [])
  assert.equal(asked.length, 1)
  for (const other of [{ userName: 'bob' }, { groups: [] }, { namespace: 'team-b' }, { userExtra: { scopes: ['b'] } }])
    assert.equal((await rights.denied(request(other), named('keys'))).length, 1, JSON.stringify(other))
  assert.equal((await rights.denied(request(), named('other'))).length, 1)
  await clock.advance(5000)
  assert.deepEqual(await rights.denied(request(), named('keys')), named('keys'))
})

test('no answer is an error, and is asked for again at once', async () => {
  const { api, rights } = answering()
  api.fails = true
  await assert.rejects(rights.denied(request(), named('keys')), /away/)
  api.fails = false
  assert.deepEqual(await rights.denied(request(), named('keys')), [])
})

test('what an API server answers without a status is no permission', async () => {
  const create = (_: unknown, object: KubeObject): Promise<unknown> => Promise.resolve(object)
  const rights = createUserRights({ create } as Pick<Client, 'create'>, virtualClock(), 1000)
  assert.equal((await rights.denied(request(), named('keys'))).length, 1)
})
