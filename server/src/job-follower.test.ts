import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { after, test } from 'node:test'
import { createClient, silentLogger } from '@mnemos/kube'
import { aJob, eventually } from '@mnemos/testkit'
import { startApiServer } from './api-server.test-kit.ts'
import { createJobFollower } from './job-follower.ts'

const api = await startApiServer()
const client = createClient({ credentials: api.credentials })
const stop = new AbortController()
const follower = createJobFollower(client, silentLogger)
api.put(aJob('early').build())
const running = follower.run(stop.signal)
after(async () => {
  stop.abort()
  await running
  await client.close()
  await api.close()
})
const never = new AbortController().signal

test('a Job that was there before is known once the cache is filled', async () => {
  await eventually(() => follower.hasSynced())
  assert.equal(follower.get('uid-early')?.metadata.name, 'early')
})

test('what was asked is not kept in memory, what asks for it is', async () => {
  api.put(aJob('asking').asking('m', 'a long secret').build())
  const job = await eventually(() => follower.get('uid-asking'))
  assert.ok(!JSON.stringify(job).includes('a long secret'))
  assert.equal(job.spec.inference?.modelRef.name, 'm')
})

test('a maintenance Job is kept as it is', async () => {
  api.put(aJob('importing').importing('file:///m').build())
  const job = await eventually(() => follower.get('uid-importing'))
  assert.equal(job.spec.maintenance?.task, 'ImportModel')
})

test('all who wait for a Job hear of its change, and nobody else', async () => {
  let others = 0
  const other = new AbortController()
  const elsewhere = follower.changed('uid-early', other.signal).then(() => (others += 1))
  const waiting = [follower.changed('uid-new', never), follower.changed('uid-new', never)]
  api.put(aJob('new').build())
  await Promise.all(waiting)
  assert.equal(follower.get('uid-new')?.metadata.name, 'new')
  assert.equal(others, 0)
  other.abort()
  await elsewhere
})

test('a deletion is a change, and the Job is gone', async () => {
  const job = aJob('deleted').build()
  api.put(job)
  await eventually(() => follower.get('uid-deleted'))
  const change = follower.changed('uid-deleted', never)
  api.remove(job)
  await change
  assert.equal(follower.get('uid-deleted'), undefined)
})

test('who does not wait any more is let go, and leaves no listener behind', async () => {
  await follower.changed('uid-early', AbortSignal.abort())
  const leaving = new AbortController()
  const left = follower.changed('uid-early', leaving.signal)
  const staying = new AbortController()
  const stayed = follower.changed('uid-early', staying.signal)
  leaving.abort()
  await left
  api.put(aJob('early').thatIs('Failed').build())
  await stayed
  assert.equal(getEventListeners(staying.signal, 'abort').length, 0)
})
