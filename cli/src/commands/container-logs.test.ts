import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newIn } from './container-logs.ts'

const cases: Record<string, { readonly written: string; readonly next: string; readonly want: string }> = {
  'a log that grew': { written: 'a\nb\n', next: 'a\nb\nc\n', want: 'c\n' },
  'a log that did not': { written: 'a\n', next: 'a\n', want: '' },
  'a log whose middle was left out': { written: 'a\nb\nc\n', next: 'a\n… 2 bytes are left out here …\nc\nd\n', want: 'd\n' },
  'a log of which all that was written is left out': {
    written: 'a\nb\n',
    next: 'x\n… 9 bytes are left out here …\ny\n',
    want: 'x\n… 9 bytes are left out here …\ny\n',
  },
  'another attempt': { written: 'a\nb\n', next: 'c\n', want: 'c\n' },
}

for (const [what, { written, next, want }] of Object.entries(cases))
  test(`${what} is written on from where it was`, () => assert.equal(newIn(written, next), want))
