import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, beforeEach, test } from 'node:test'
import type { Job } from '@mnemos/api'
import { createClient, KubeError } from '@mnemos/kube'
import { aJob, eventually } from '@mnemos/testkit'
import { refuse, type SeenRequest, startApiServer } from './api-server.test-kit.ts'
import { jobs } from './job-follower.ts'
import { followObject } from './object-follower.ts'

const api = await startApiServer()
const client = createClient({ credentials: api.credentials })
after(async () => {
  await client.close()
  await api.close()
})

/** What is answered to watches, one after the other; a watch beyond them is left open. */
const watches: ((response: ServerResponse) => void)[] = []
let current: Job | undefined
const at = (version: number, uid = 'uid-j'): Job => {
  const job = aJob('j').build()
  return { ...job, metadata: { ...job.metadata, uid, resourceVersion: String(version) } }
}
const says = (response: ServerResponse, type: string, object: object): void => void response.write(`${JSON.stringify({ type, object })}\n`)
const started = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.flushHeaders()
}
const answers = ({ query }: SeenRequest, response: ServerResponse): boolean => {
  if (query.get('watch') !== 'true') {
    if (current === undefined) refuse(response, 404, 'NotFound')
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(current))
    return true
  }
  const next = watches.shift()
  if (next === undefined) started(response)
  else next(response)
  return true
}
beforeEach(() => {
  watches.length = 0
  api.intercept = answers
  current = at(1)
})

async function followed(until: number): Promise<string[]> {
  const stop = new AbortController()
  const seen: string[] = []
  for await (const { metadata } of followObject(client, jobs, at(1), stop.signal)) {
    seen.push(metadata.resourceVersion ?? '')
    if (seen.length === until) stop.abort()
  }
  return seen
}

test('each version is told, from the one that is there on, and bookmarks are none', async () => {
  watches.push((response) => {
    started(response)
    says(response, 'BOOKMARK', { metadata: { resourceVersion: '2' } })
    says(response, 'MODIFIED', at(3))
  })
  assert.deepEqual(await followed(2), ['1', '3'])
  const { query } = api.requests.findLast((seen) => seen.query.get('watch') === 'true') ?? {}
  assert.deepEqual([query?.get('fieldSelector'), query?.get('resourceVersion')], ['metadata.name=j', '1'])
})

test('it ends when the object is deleted, or another has its name', async () => {
  for (const [type, object] of [
    ['DELETED', at(3)],
    ['ADDED', at(3, 'uid-other')],
  ] as const) {
    watches.push((response) => {
      started(response)
      says(response, type, object)
    })
    assert.deepEqual(await followed(9), ['1'], type)
  }
})

test('a watch that ends by itself is taken up from what the object is then', async () => {
  watches.push((response) => {
    started(response)
    response.end()
  })
  current = at(5)
  assert.deepEqual(await followed(2), ['1', '5'])
})

test('a watch that is cut, or asks for what is no longer kept, is taken up again', async () => {
  watches.push(
    (response) => response.destroy(),
    (response) => {
      started(response)
      says(response, 'ERROR', { code: 410, reason: 'Expired', message: 'too old' })
    },
    (response) => {
      started(response)
      says(response, 'MODIFIED', at(6))
    },
  )
  current = at(5)
  const seen = await followed(4)
  assert.equal(seen.at(-1), '6')
})

test('it ends when the object is gone by the time that it is looked for again', async () => {
  watches.push((response) => {
    started(response)
    response.end()
  })
  current = undefined
  assert.deepEqual(await followed(9), ['1'])
})

test('what the cluster refuses is thrown', async () => {
  watches.push((response) => refuse(response, 403, 'Forbidden'))
  await assert.rejects(followed(9), (error) => error instanceof KubeError && error.status === 403)
})

test('a reader that leaves ends the watch', async () => {
  const stop = new AbortController()
  let isClosed = false
  watches.push((response) => {
    started(response)
    response.on('close', () => {
      isClosed = true
    })
  })
  const reading = Array.fromAsync(followObject(client, jobs, at(1), stop.signal))
  await eventually(() => watches.length === 0)
  stop.abort()
  assert.equal((await reading).length, 1)
  await eventually(() => isClosed)
})
