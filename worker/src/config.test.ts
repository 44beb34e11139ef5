import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseWorkerArgs, parseWorkerConfig, workerHelp } from './config.ts'

const needed = ['--operator', '127.0.0.1:7000,127.0.0.1:7001', '--pool', 'team-a/gpus', '--join-token-file', '/token']

describe('the configuration of a worker', () => {
  it('reads flags, then the environment, then defaults', () => {
    const config = parseWorkerArgs([...needed, '--slots', '4', '--allow-private-sources'], {
      MNEMOS_WORKER_SLOTS: '2',
      MNEMOS_WORKER_GRACE_MS: '5000',
    })
    assert.deepEqual(config?.operator, ['127.0.0.1:7000', '127.0.0.1:7001'])
    assert.equal(config.slots, 4)
    assert.equal(config.graceMs, 5000)
    assert.equal(config.allowPrivateSources, true)
    assert.equal(config.engine, 'llama-cpp')
    assert.match(config.name, /^[a-z0-9-]+$/)
  })

  it('names every wrong field with its flag and its variable', () => {
    assert.throws(
      () => parseWorkerConfig({ MNEMOS_WORKER_POOL: 'no-namespace' }, { slots: 0 }),
      (error: Error) => {
        for (const part of ['--operator (MNEMOS_WORKER_OPERATOR)', '--pool', 'namespace/name', '--slots', '--join-token-file'])
          assert.ok(error.message.includes(part), part)
        return true
      },
    )
  })

  it('needs a join token or the token of its pod', () => {
    const config = parseWorkerArgs(needed.slice(0, 4), { MNEMOS_WORKER_POD_TOKEN_FILE: '/var/run/secrets/mnemos/token' })
    assert.equal(config?.podTokenFile, '/var/run/secrets/mnemos/token')
    assert.equal(config.joinTokenFile, undefined)
    assert.throws(
      () => parseWorkerArgs(needed.slice(0, 4), {}),
      /--join-token-file \(MNEMOS_WORKER_JOIN_TOKEN_FILE\): is required, or --pod-token-file/,
    )
  })

  it('describes every flag in its help', () => {
    assert.equal(parseWorkerArgs(['--help'], {}), undefined)
    assert.match(workerHelp(), /--file-root +Folder/)
    assert.ok(!/undefined/.test(workerHelp()))
  })
})
