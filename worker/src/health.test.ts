import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serveHealth } from './health.ts'
import { addGauges, createMetrics } from './metrics.ts'

describe('the health of a worker', () => {
  it('is alive at once, ready while connected, and tells its figures', async (t) => {
    let isConnected = false
    const metrics = createMetrics(false)
    addGauges(metrics, { running: () => 2, isConnected: () => isConnected, cacheBytes: () => 98_362_432, cachedModels: () => 1 })
    metrics.attempts.inc({ outcome: 'succeeded' })
    const health = await serveHealth({ host: '127.0.0.1', port: 0, registry: metrics.registry, isReady: () => isConnected })
    t.after(() => health.close())
    const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${health.port}${path}`)
    assert.equal((await get('/healthz')).status, 200)
    assert.equal((await get('/readyz')).status, 503)
    isConnected = true
    assert.equal((await get('/readyz')).status, 200)
    assert.equal((await get('/other')).status, 404)
    const text = await (await get('/metrics')).text()
    for (const line of [
      'mnemos_worker_attempts_total{outcome="succeeded"} 1',
      'mnemos_worker_running_attempts 2',
      'mnemos_worker_connected 1',
    ])
      assert.ok(text.includes(line), line)
  })
})
