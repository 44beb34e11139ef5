import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { eventually, type VirtualClock, virtualClock } from '@mnemos/testkit'
import type { Terminal } from '../terminal.ts'
import { type Supervised, supervise } from './supervise.ts'

const folder = await mkdtemp(join(tmpdir(), 'mnemos-supervise-'))
after(() => rm(folder, { recursive: true }))

interface Watched {
  readonly child: Supervised
  readonly clock: VirtualClock
  readonly said: string[]
}

function start(name: string, script: string): Watched {
  const said: string[] = []
  const terminal: Terminal = {
    interactive: false,
    write: () => undefined,
    say: (line) => void said.push(line),
    status: () => undefined,
    clearStatus: () => undefined,
    draw: () => undefined,
    paint: (_colour, text) => text,
    paintData: (_colour, text) => text,
    size: () => ({ columns: 80, rows: 24 }),
    dataColumns: () => 80,
  }
  const clock = virtualClock()
  const plan = { name, args: ['-e', script], environment: process.env, colour: 'cyan' as const, graceMs: 1000, readyUrl: '' }
  return { child: supervise(plan, { terminal, clock, logFolder: folder, verbose: false }), clock, said }
}

test('a process that crashes is started again, each time later, and says so', async () => {
  const { child, clock, said } = start('crasher', 'process.exit(3)')
  await eventually(() => child.restarts() === 1)
  await clock.advance(499)
  assert.equal(child.pid(), undefined, 'it was started too early')
  await clock.advance(1)
  await eventually(() => child.restarts() === 2)
  await clock.advance(500)
  assert.equal(child.pid(), undefined, 'the second pause is no longer than the first')
  await clock.advance(500)
  await eventually(() => child.restarts() === 3)
  assert.match(said[0] ?? '', /crasher\s+ended with 3; starting again in 0.5 s/)
  await child.stop()
  await clock.advance(60_000)
  assert.equal(child.pid(), undefined, 'it was started after it was stopped')
})

test('warnings reach the terminal, everything reaches the log', async () => {
  const script = `console.log('{"level":30,"msg":"quiet"}'); console.log('{"level":40,"msg":"loud","job":"a"}'); setInterval(() => {}, 1000)`
  const { child, said } = start('talker', script)
  await eventually(() => said.length > 0)
  assert.deepEqual(said, ['talker    loud job=a'])
  await child.stop()
  await eventually(async () => (await readFile(join(folder, 'talker.log'), 'utf8')).includes('quiet'))
})

test('a process that ignores SIGTERM is killed when its time is up', async () => {
  const script = `process.on('SIGTERM', () => console.log('{"level":40,"msg":"ignored"}')); console.log('{"level":40,"msg":"ready"}'); setInterval(() => {}, 1000)`
  const { child, clock, said } = start('stubborn', script)
  await eventually(() => said.some((line) => line.includes('ready')))
  const pid = child.pid() ?? 0
  const stopped = child.stop()
  await eventually(() => said.some((line) => line.includes('ignored')))
  await clock.advance(1000)
  await stopped
  assert.throws(() => process.kill(pid, 0))
})
