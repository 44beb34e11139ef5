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
    logLevel: 'info',
  })
})

test('the environment is read, and what is given by hand wins', () => {
  const config = parseServerConfig({ MNEMOS_SERVER_PORT: '9000', MNEMOS_LOG_LEVEL: 'debug' }, { port: 0 })
  assert.deepEqual([config.port, config.logLevel], [0, 'debug'])
})

const refused: Record<string, Record<string, string>> = {
  'a port that is none': { MNEMOS_SERVER_PORT: '70000' },
  'a port that is no number': { MNEMOS_SERVER_PORT: 'http' },
  'a body too small for any Job': { MNEMOS_SERVER_BODY_BYTES: '10' },
  'a folder without a name': { MNEMOS_ARTIFACTS_FOLDER: '' },
  'a level that is none': { MNEMOS_LOG_LEVEL: 'loud' },
}
for (const [what, environment] of Object.entries(refused)) {
  test(`${what} is refused by its name`, () => {
    assert.throws(() => parseServerConfig(environment), new RegExp(Object.keys(environment).join()))
  })
}
