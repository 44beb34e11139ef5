import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { createAudit } from './audit.ts'
import { loggedField, loggedName } from './logged-text.ts'

test('names and fields as they may be stored are logged whole', () => {
  assert.equal(loggedName('greet'), 'greet')
  assert.equal(loggedName(undefined), undefined)
  assert.equal(loggedField('spec.inference.prompt'), 'spec.inference.prompt')
})

test('a megabyte of name or field is one short line of the audit', () => {
  const lines: string[] = []
  const audit = createAudit(pino({}, { write: (line) => void lines.push(line) }))
  const long = 'x'.repeat(1_000_000)
  const object = { apiVersion: 'mnemos.dev/v1alpha1', kind: 'Job', metadata: { name: long, generateName: long } }
  const request = { stage: 'mutate', operation: 'CREATE', group: 'mnemos.dev', kind: 'Job', userName: 'a', object } as const
  const nothing = { warnings: [], violations: [], rateLimits: [] }
  const patch = [{ op: 'remove', path: `/metadata/labels/${long}` }] as const
  const findings = [{ path: long, field: long, code: 'forbidden', message: 'is denied' }] as const
  audit({ uid: 'u', dryRun: false, request }, { allowed: false, ...nothing, findings, patch })
  assert.equal(lines.length, 1)
  assert.ok((lines[0] ?? '').length < 4000)
})
