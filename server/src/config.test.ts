import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseServerConfig } from './config.ts'

test('nothing needs to be set, and then only this machine is served', () => {
  assert.deepEqual(parseServerConfig({}), {
    systemNamespace: 'mnemos-system',
    host: '127.0.0.1',
    port: 8080,
    artifactsFolder: '.mnemos/artifacts',
    bodyBytes: 1_048_576,
    requestsPerMinute: 600,
    fileBytes: 5_368_709_120,
    outputsRetentionSeconds: 604_800,
    outputsSweepSeconds: 21_600,
    logLevel: 'info',
  })
})

test('the environment is read, and what is given by hand wins', () => {
  const config = parseServerConfig({ MNEMOS_SERVER_PORT: '9000', MNEMOS_LOG_LEVEL: 'debug' }, { port: 0 })
  assert.deepEqual([config.port, config.logLevel], [0, 'debug'])
})

test('s3 and redis are chosen by name, and an endpoint asks for paths', () => {
  const { s3, redis } = parseServerConfig({
    MNEMOS_ARTIFACT_STORE: 's3',
    MNEMOS_S3_ENDPOINT: 'http://store:8333',
    MNEMOS_S3_BUCKET: 'mnemos',
    MNEMOS_STREAM_STORE: 'redis',
    MNEMOS_REDIS_URL: 'rediss://store:6379/2',
    MNEMOS_REDIS_PASSWORD: 'secret',
  })
  assert.deepEqual(s3, { endpoint: 'http://store:8333', bucket: 'mnemos', region: 'us-east-1', pathStyle: true, prefix: '' })
  assert.deepEqual(redis, { url: 'rediss://store:6379/2', password: 'secret', prefix: 'mnemos:', keepSeconds: 3600 })
})

test('without an endpoint buckets are hosts, as AWS has them', () => {
  const { s3 } = parseServerConfig({
    MNEMOS_ARTIFACT_STORE: 's3',
    MNEMOS_S3_BUCKET: 'bucket',
    MNEMOS_S3_PREFIX: 'a/b/',
    MNEMOS_S3_PRESIGN: 'true',
  })
  assert.deepEqual(s3, { bucket: 'bucket', region: 'us-east-1', pathStyle: false, prefix: 'a/b/', presignSeconds: 3600 })
})

test('what is set for a store that was not chosen is not used', () => {
  const config = parseServerConfig({ MNEMOS_S3_BUCKET: 'bucket', MNEMOS_REDIS_URL: 'redis://r' })
  assert.deepEqual([config.s3, config.redis], [undefined, undefined])
})

test('a store that was chosen and is not named is refused by the setting that is missing', () => {
  assert.throws(() => parseServerConfig({ MNEMOS_ARTIFACT_STORE: 's3' }), /MNEMOS_S3_BUCKET/)
  assert.throws(() => parseServerConfig({ MNEMOS_STREAM_STORE: 'redis' }), /MNEMOS_REDIS_URL/)
})

const refused: Record<string, Record<string, string>> = {
  'a port that is none': { MNEMOS_SERVER_PORT: '70000' },
  'a port that is no number': { MNEMOS_SERVER_PORT: 'http' },
  'a body too small for any Job': { MNEMOS_SERVER_BODY_BYTES: '10' },
  'a retention in which a sidecar may still be at work': { MNEMOS_OUTPUTS_RETENTION_SECONDS: '60' },
  'a folder without a name': { MNEMOS_ARTIFACTS_FOLDER: '' },
  'a store that is none': { MNEMOS_ARTIFACT_STORE: 'ftp' },
  'an endpoint that is no URL of HTTP': { MNEMOS_S3_ENDPOINT: 'store:8333' },
  'a bucket whose name S3 does not take': { MNEMOS_S3_BUCKET: 'My_Bucket' },
  'a prefix that is half a segment': { MNEMOS_S3_PREFIX: 'a/b' },
  'a prefix that leaves the bucket': { MNEMOS_S3_PREFIX: '../' },
  'a Redis that is reached by HTTP': { MNEMOS_REDIS_URL: 'http://redis:6379' },
  'a flag that is none': { MNEMOS_S3_PRESIGN: 'yes' },
  'URLs that hold for a moment': { MNEMOS_S3_PRESIGN_SECONDS: '5' },
  'a level that is none': { MNEMOS_LOG_LEVEL: 'loud' },
}
for (const [what, environment] of Object.entries(refused)) {
  test(`${what} is refused by its name`, () => {
    assert.throws(() => parseServerConfig(environment), new RegExp(Object.keys(environment).join()))
  })
}
