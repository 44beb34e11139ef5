import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CappedLog } from './capped-log.ts'

const logOf = (headBytes: number, tailBytes: number, ...chunks: readonly string[]): CappedLog => {
  const log = new CappedLog({ headBytes, tailBytes })
  for (const chunk of chunks) log.append(Buffer.from(chunk))
  return log
}

test('a log that fits is kept byte by byte', () => {
  assert.equal(logOf(8, 8, 'one\n', 'two\nthr', 'ee').bytes().toString(), 'one\ntwo\nthree')
})

test('of a longer one head and tail are kept, in whole lines, with what is left out between', () => {
  const log = logOf(10, 10, ...Array.from({ length: 100 }, (_, index) => `line ${index}\n`))
  assert.equal(log.bytes().toString(), `line 0\n… ${log.total - 7 - 8} bytes are left out here …\nline 99\n`)
})

test('of a line longer than everything, a progress bar perhaps, whole characters are kept', () => {
  assert.equal(logOf(4, 4, 'x'.repeat(100)).bytes().toString(), 'xxx\n… 93 bytes are left out here …\nxxxx')
})

test('however it comes in chunks, it is kept the same, and never grows beyond its bounds', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', '\n', 'é', '😀'), maxLength: 400 }), fc.array(fc.nat(400)), (text, cuts) => {
      const whole = Buffer.from(text)
      const at = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).sort((a, b) => a - b), whole.length]
      const cut = new CappedLog({ headBytes: 32, tailBytes: 32 })
      for (const [index, start] of at.slice(0, -1).entries()) cut.append(whole.subarray(start, at[index + 1]))
      const once = new CappedLog({ headBytes: 32, tailBytes: 32 })
      once.append(whole)
      assert.deepEqual(cut.bytes(), once.bytes())
      assert.ok(cut.bytes().length <= 64 + 64)
      assert.doesNotThrow(() => new TextDecoder('utf-8', { fatal: true }).decode(cut.bytes()))
    }),
  )
})
