import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { CliError, describeError, errorLines } from './errors.ts'

const refused: unknown = new TypeError('fetch failed', {
  cause: Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
})

function settingsError(): unknown {
  return z.object({ MNEMOS_DISPATCH_PORT: z.coerce.number() }).safeParse({ MNEMOS_DISPATCH_PORT: 'tcp://10.0.0.1:9090' }).error
}

const failedAttempt: unknown = Object.assign(new Error('The disk is full.'), { name: 'WorkFailure', hint: 'Free space.' })

const cases: Record<string, { error: unknown; wantCode: string; wantExit: number }> = {
  'nobody listens': { error: refused, wantCode: 'MNEMOS_UNREACHABLE', wantExit: 5 },
  'a caller who is not known': { error: Object.assign(new Error('no'), { status: 401 }), wantCode: 'MNEMOS_UNAUTHENTICATED', wantExit: 4 },
  'a caller who may not': { error: Object.assign(new Error('no'), { status: 403 }), wantCode: 'MNEMOS_FORBIDDEN', wantExit: 4 },
  'an object that is not there': { error: Object.assign(new Error('no'), { status: 404 }), wantCode: 'MNEMOS_NOT_FOUND', wantExit: 3 },
  'an object that is refused': { error: Object.assign(new Error('no'), { status: 422 }), wantCode: 'MNEMOS_REFUSED', wantExit: 1 },
  'a setting that is none': { error: settingsError(), wantCode: 'MNEMOS_SETTINGS', wantExit: 64 },
  'an attempt that failed': { error: failedAttempt, wantCode: 'MNEMOS_ATTEMPT_FAILED', wantExit: 1 },
  'something else': { error: 'thrown text', wantCode: 'MNEMOS_UNEXPECTED', wantExit: 1 },
}

for (const [sentence, { error, wantCode, wantExit }] of Object.entries(cases)) {
  test(`errors: ${sentence}`, () => {
    const described = describeError(error)
    assert.equal(described.code, wantCode)
    assert.equal(described.exitCode, wantExit)
  })
}

test('an error shows its fields and the next step', () => {
  const error = new CliError('Job x is refused', { code: 'C', details: ['spec.priority: hihg; did you mean high?'], hint: 'mnemos lint' })
  assert.deepEqual(errorLines(error), ['error: Job x is refused (C)', '  - spec.priority: hihg; did you mean high?', '  next: mnemos lint'])
})

test('a wrong setting is named without its value, which may be a secret', () => {
  const lines = errorLines(describeError(settingsError())).join('\n')
  assert.match(lines, /MNEMOS_DISPATCH_PORT: .*expected number/)
  assert.doesNotMatch(lines, /10\.0\.0\.1/)
})
