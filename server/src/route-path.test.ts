import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fastifyPath } from './route-path.ts'

const paths: Record<string, { path: string; want: string }> = {
  'a path without parameters stays': { path: '/v1/jobs', want: '/v1/jobs' },
  'each parameter is one segment': { path: '/v1/attempts/{uid}/{attempt}/events', want: '/v1/attempts/:uid/:attempt/events' },
  'a key takes the rest of the path': { path: '/v1/artifacts/{key}', want: '/v1/artifacts/*' },
}
for (const [sentence, { path, want }] of Object.entries(paths)) {
  test(sentence, () => assert.equal(fastifyPath(path), want))
}
