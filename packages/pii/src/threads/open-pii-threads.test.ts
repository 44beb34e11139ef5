import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findPii } from '../find.ts'
import { openPiiThreads, PiiUnavailable } from './open-pii-threads.ts'

const large = 'Write to jane@example.com about it, and to nobody else. '.repeat(2000)

test('a large text is read in a thread, with the same result', async () => {
  const pool = openPiiThreads({ threads: 2, deadlineMs: 60_000 })
  try {
    const all = await Promise.all(Array.from({ length: 5 }, () => pool.find(large)))
    for (const matches of all) assert.deepEqual(matches, findPii(large))
    assert.deepEqual(await pool.find(large, { entities: ['IP'] }), [])
    assert.equal((await pool.find('jane@example.com')).length, 1)
  } finally {
    await pool.close()
  }
})

test('a call ends by its deadline, and the next one finds a new thread', async () => {
  const pool = openPiiThreads({ deadlineMs: 60_000 })
  try {
    await pool.warm()
    await assert.rejects(
      pool.find(large.repeat(20), { deadlineMs: 1 }),
      (error) => error instanceof PiiUnavailable && error.reason === 'Deadline',
    )
    assert.ok((await pool.find(large)).length > 0)
  } finally {
    await pool.close()
  }
})

test('more than the queue holds is refused, and what waits fails when the pool is closed', async () => {
  const pool = openPiiThreads({ maxWaiting: 1, deadlineMs: 60_000 })
  const waits = pool.find(large)
  const refused = pool.find(large)
  await assert.rejects(refused, (error) => error instanceof PiiUnavailable && error.reason === 'TooManyWaiting')
  const closed = assert.rejects(waits, (error) => error instanceof PiiUnavailable && error.reason === 'Closed')
  await pool.close()
  await closed
  await assert.rejects(pool.find('short'), (error) => error instanceof PiiUnavailable && error.reason === 'Closed')
})

test('an aborted call fails with the reason of its signal', async () => {
  const pool = openPiiThreads({ deadlineMs: 60_000 })
  try {
    const reason = new Error('gone')
    const aborter = new AbortController()
    const call = pool.find(large, { signal: aborter.signal })
    aborter.abort(reason)
    await assert.rejects(call, reason)
  } finally {
    await pool.close()
  }
})
