import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseWebhookConfig } from './config.ts'

const redis = { MNEMOS_RATE_LIMIT_STORE: 'redis', MNEMOS_REDIS_URL: 'redis://redis:6379' }

test('rate limits are counted in memory unless Redis is chosen, also when the server has one', () => {
  assert.deepEqual(parseWebhookConfig({}).rateLimits, { deadlineMs: 500, replicas: 1 })
  assert.deepEqual(parseWebhookConfig({ MNEMOS_REDIS_URL: redis.MNEMOS_REDIS_URL, MNEMOS_WEBHOOK_REPLICAS: '3' }).rateLimits, {
    deadlineMs: 500,
    replicas: 3,
  })
})

test('Redis is reached by the settings that the server has', () => {
  const env = { ...redis, MNEMOS_REDIS_USERNAME: 'mnemos', MNEMOS_REDIS_PASSWORD: 'pw', MNEMOS_RATE_LIMIT_DEADLINE_MS: '100' }
  assert.deepEqual(parseWebhookConfig(env).rateLimits, {
    deadlineMs: 100,
    replicas: 1,
    redis: { url: 'redis://redis:6379', username: 'mnemos', password: 'pw', prefix: 'mnemos:' },
  })
})

test('Redis without an address, or with one of another protocol, is refused by name', () => {
  assert.throws(() => parseWebhookConfig({ MNEMOS_RATE_LIMIT_STORE: 'redis' }), /MNEMOS_REDIS_URL must be set/)
  assert.throws(() => parseWebhookConfig({ ...redis, MNEMOS_REDIS_URL: 'http://redis' }), /MNEMOS_REDIS_URL/)
  assert.throws(() => parseWebhookConfig({ ...redis, MNEMOS_RATE_LIMIT_DEADLINE_MS: '5000' }), /MNEMOS_RATE_LIMIT_DEADLINE_MS/)
})
