import assert from 'node:assert/strict'
import { test } from 'node:test'
import { remembering } from './pipelines.test-kit.ts'

const esc = '\u001b'

test('lines are drawn over those that were drawn before, without wrapping', () => {
  const { terminal, err } = remembering({ columns: 20, rows: 10 })
  terminal.draw(['one', 'two'])
  const first = err()
  assert.equal(first, `${esc}[?7l\rone${esc}[K\ntwo${esc}[K\n${esc}[J${esc}[?7h`)
  terminal.draw(['three'])
  assert.equal(err().slice(first.length), `${esc}[?7l\r${esc}[2Athree${esc}[K\n${esc}[J${esc}[?7h`)
})

test('what is said between two pictures stays above the second', () => {
  const { terminal, err } = remembering({ columns: 20, rows: 10 })
  terminal.draw(['one'])
  terminal.say('hello')
  const before = err().length
  terminal.draw(['two'])
  assert.doesNotMatch(err().slice(before), /\[\dA/)
})

test('a file gets no picture and no escape byte', () => {
  const { terminal, out, err } = remembering()
  terminal.draw(['one'])
  terminal.write(terminal.paintData('red', 'data\n'))
  terminal.say(terminal.paint('red', 'words'))
  assert.equal(out(), 'data\n')
  assert.equal(err(), 'words\n')
})
