/** Token streams on a real Redis: the suite that every store of streams passes, and what Redis and networks do on bad days. */

import { after } from 'node:test'
import { createRedisStreamStore, type StreamStore, streamStoreConformance } from '@mnemos/stores'
import { startRedisServer } from '@mnemos/testkit'

const redis = await startRedisServer()
const opened: StreamStore[] = []
after(() => Promise.all(opened.map((store) => store.close())))
let made = 0
const open = async (more: object = {}): Promise<StreamStore> => {
  const store = await createRedisStreamStore({ url: redis.url, password: redis.password, prefix: `t${made}:`, timeoutMs: 1000, ...more })
  opened.push(store)
  return store
}

streamStoreConformance(
  'Redis',
  () => {
    made += 1
    return open()
  },
  () => open(),
)
