import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readLogLine } from './log-line.ts'

const cases: Record<string, { line: string; want: ReturnType<typeof readLogLine> }> = {
  'an information with its fields': {
    line: '{"level":30,"time":1,"pid":2,"hostname":"h","name":"operator","msg":"job committed","job":"a/b","attempt":1}',
    want: { severity: 'info', text: 'job committed job=a/b attempt=1' },
  },
  'an error with its cause': {
    line: '{"level":50,"msg":"import failed","err":{"message":"no such file","stack":"at …"}}',
    want: { severity: 'error', text: 'import failed : no such file' },
  },
  'a stack trace that no logger wrote': { line: 'TypeError: x', want: { severity: 'error', text: 'TypeError: x' } },
  'a line that only looks like JSON': { line: '{oops', want: { severity: 'error', text: '{oops' } },
  'an empty line': { line: '  ', want: undefined },
}

for (const [sentence, { line, want }] of Object.entries(cases)) {
  test(sentence, () => {
    assert.deepEqual(readLogLine(line), want)
  })
}
