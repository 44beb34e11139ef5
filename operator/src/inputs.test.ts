import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aJob } from '@mnemos/testkit'
import { Inputs } from './inputs.ts'

test('an input is kept until it is taken', () => {
  const inputs = new Inputs(100)
  inputs.see(aJob('j').asking('m', 'Hello.').build())
  assert.deepEqual(inputs.take('uid-j'), { prompt: 'Hello.' })
  assert.equal(inputs.take('uid-j'), undefined)
})

test('no more is kept than fits, and what was taken makes room', () => {
  const inputs = new Inputs(10)
  inputs.see(aJob('a').asking('m', '12345678').build())
  inputs.see(aJob('b').asking('m', '12345678').build())
  assert.equal(inputs.take('uid-b'), undefined)
  inputs.take('uid-a')
  inputs.see(aJob('b').asking('m', '12345678').build())
  assert.deepEqual(inputs.take('uid-b'), { prompt: '12345678' })
})

test('a Job that got its attempt elsewhere, ended, or is held keeps nothing', () => {
  for (const later of [
    aJob('j').thatIs('Scheduled', { attempt: 1 }),
    aJob('j').with({ cancel: true }),
    aJob('j').with({ suspend: true }),
  ]) {
    const inputs = new Inputs(100)
    inputs.see(aJob('j').build())
    inputs.see(later.build())
    assert.equal(inputs.take('uid-j'), undefined)
  }
})
