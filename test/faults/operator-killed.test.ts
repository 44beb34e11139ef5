/**
 * The operator, a real process, is killed at each of its writes: before the API server has it, after it is stored, and
 * after it is stored with the answer lost on the wire. A new one takes over each time, and every Job ends once.
 *
 * The writes are numbered by a run without faults.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually, type Fault } from '@mnemos/testkit'
import { importModel, jobs, type Process, startWorld } from './world.ts'

const world = await startWorld({ workers: ['w1', 'w2'] })
const isWrite = /^(POST|PUT|PATCH|DELETE)$/
const notLease = /^(?!.*\/leases\/)/

/** One Job that just runs, one that is tried twice, one that is cancelled while it runs. */
async function workload(prefix: string): Promise<string[]> {
  const names = ['plain', 'again', 'cancelled'].map((each) => `${prefix}-${each}`)
  await world.submit(`${prefix}-plain`, 'one two three')
  await world.submit(`${prefix}-again`, '[[fail Internal]]', { retry: { limit: 1 } })
  await world.submit(`${prefix}-cancelled`, '[[hang]]')
  return names
}

async function cancelOnceRunning(prefix: string): Promise<void> {
  const name = `${prefix}-cancelled`
  await world.client.patch(jobs, { namespace: 'default', name }, { spec: { cancel: true } })
}

async function runThrough(prefix: string): Promise<void> {
  const names = await workload(prefix)
  await cancelOnceRunning(prefix)
  const ended = await world.settle(names, 90_000)
  const phases = Object.fromEntries(ended.map(({ metadata, status }) => [metadata.name.replace(`${prefix}-`, ''), status?.phase]))
  assert.deepEqual(phases, { plain: 'Succeeded', again: 'Failed', cancelled: 'Cancelled' })
}

/** Runs the workload once without faults. @returns how many writes the operator needs for it */
async function reference(): Promise<number> {
  await importModel(world)
  await world.rests()
  const before = world.proxy.writes().length
  await runThrough('reference')
  await world.rests()
  return world.proxy
    .writes()
    .slice(before)
    .filter(({ path }) => notLease.test(path)).length
}

let operator: Process = world.startOperator()
const writes = await reference()

async function kill(): Promise<void> {
  operator.kill('SIGKILL')
  await operator.ended
}

const faults: Record<string, Fault> = {
  'before the API server has it': { kind: 'hold', when: 'before', until: kill },
  'after it is stored': { kind: 'hold', when: 'after', until: kill },
  'after it is stored and its answer lost': { kind: 'loseReply' },
}

describe(`the operator is killed at each of its ${writes} writes`, () => {
  for (let nth = 0; nth < writes; nth += 1) {
    for (const [mode, [when, fault]] of Object.entries(faults).entries()) {
      it(`write ${nth + 1}, ${when}`, async (test) => {
        const handle = world.proxy.rule({ method: isWrite, path: notLease, skip: nth, fault })
        const run = runThrough(`w${nth}-${mode}`)
        await Promise.race([run, eventually(() => handle.fired > 0, { timeoutMs: 60_000 })])
        // The last writes tell of what is over, and come late or, when things go fast, not at all.
        if (handle.fired === 0) await world.rests()
        handle.remove()
        if (handle.fired === 0) {
          test.skip(`the work was done in ${nth} writes`)
          return
        }
        await kill()
        operator = world.startOperator()
        await run
        await world.rests()
      })
    }
  }
})
