import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { type AttemptRef, attemptRef, encodeModel, encodeWork, type InferenceWork, inferenceResult, Verdict } from '@mnemos/contract'
import { eventually } from '@mnemos/testkit'
import { pino } from 'pino'
import { parseWorkerConfig, type WorkerConfigInput } from './config.ts'
import { type StubOptions, stubEngine } from './engine/stub.ts'
import { runWorker } from './run-worker.ts'
import { type FakeOperator, startFakeOperator } from './testing/fake-operator.ts'
import { type FakeServer, startFakeServer } from './testing/fake-server.ts'

describe('a worker', () => {
  it('says who it is, what it can do and what it holds', async (t) => {
    const { operator } = await start(t, { slots: 3 })
    const [hello] = operator.heard('hello')
    assert.equal(hello?.poolNamespace, 'team-a')
    assert.equal(hello.pool, 'gpus')
    assert.equal(hello.worker, 'w1')
    assert.equal(hello.joinToken, 'join-token')
    assert.equal(hello.capabilities?.slots, 3)
    assert.deepEqual(hello.capabilities.engines, ['stub', 'llama-cpp', 'vllm', 'pytorch'])
    await eventually(() => operator.heard('heartbeat').length >= 2)
  })

  it('shows the token of its pod as it is at each connect', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'mnemos-pod-token-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    const podTokenFile = join(folder, 'token')
    await writeFile(podTokenFile, 'first\n')
    const { operator } = await start(t, { podTokenFile })
    await writeFile(podTokenFile, 'second\n')
    operator.drop()
    await eventually(() => operator.heard('hello').length === 2)
    assert.deepEqual(
      operator.heard('hello').map(({ podToken }) => podToken),
      ['first', 'second'],
    )
  })

  it('passes by an address where nothing answers, and is back soon after the operator is', async (t) => {
    const sockets: Socket[] = []
    const silent = createServer((socket) => void sockets.push(socket.on('error', () => undefined)))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      silent.close()
      for (const socket of sockets) socket.destroy()
    })
    const nowhere = `127.0.0.1:${(silent.address() as AddressInfo).port}` // listens on TCP
    const since = performance.now()
    const { operator } = await start(t, {}, { before: [nowhere] })
    assert.ok(performance.now() - since < 3000, 'the silent address held the worker for less than two seconds')
    operator.close()
    // Long enough for the pauses between dials to have grown to their longest.
    await new Promise((resolve) => setTimeout(resolve, 5000))
    const back = performance.now()
    const next = await startFakeOperator(Number(operator.address.split(':')[1]))
    t.after(() => next.close())
    await eventually(() => next.heard('hello').length > 0, { timeoutMs: 8000 })
    const tookMs = performance.now() - back
    t.diagnostic(`back after ${Math.round(tookMs)} ms`)
    assert.ok(tookMs < 4000, `${tookMs} ms: the longest pause and the silent address together`)
  })

  it('answers a ping with a heartbeat at once', async (t) => {
    const { operator } = await start(t, {}, { heartbeatMs: 60_000 })
    assert.equal(operator.heard('heartbeat').length, 0)
    operator.tell({ case: 'ping', value: {} })
    await eventually(() => operator.heard('heartbeat').length === 1)
  })

  it('answers: started, tokens to the server, the object stored before the result names it', async (t) => {
    const { operator, server, give } = await start(t)
    const ref = give('Hello brave new world')
    const result = await resultOf(operator, ref)
    assert.equal(result.outcome.case, 'success')
    const { uri, sha256, inline, usage, sizeBytes } = result.outcome.value
    assert.equal(uri, 'artifact://outputs/team-a/uid-1/a1/result.json')
    const stored = server.objects.get('outputs/team-a/uid-1/a1/result.json') ?? assert.fail('nothing stored')
    assert.equal(sha256, createHash('sha256').update(stored).digest('hex'))
    assert.equal(inline, stored.toString())
    assert.equal(Number(sizeBytes), stored.length)
    const answer = inferenceResult.parse(JSON.parse(inline))
    assert.equal(answer.text, 'Hello brave new world')
    assert.equal(answer.finishReason, 'stop')
    assert.equal(usage?.completionTokens, 4)
    assert.deepEqual(server.events.get('uid-1/1'), ['Hello ', 'brave ', 'new ', 'world'])
    assert.ok(server.ended.has('uid-1/1'))
    assert.equal(operator.heard('started').length, 1)
    assert.ok(server.requests.every(({ token }) => token === 'assignment-token'))
  })

  it('keeps personal data back that policies speak of, from the model, the stream, the result and the log', async (t) => {
    const { operator, server, give, logged } = await start(t)
    const asked = 'Call jane@example.com at 192.0.2.17 now'
    // The stub answers with the words of its prompt: those that it was shown.
    const shown = await resultOf(operator, give(asked, { personalData: { Email: 'Redact' } }))
    const answer = inferenceResult.parse(JSON.parse(shown.outcome.case === 'success' ? shown.outcome.value.inline : ''))
    assert.equal(answer.text, 'Call [Email] at 192.0.2.17 now')
    assert.equal(server.events.get('uid-1/1')?.join(''), answer.text)
    const refused = await resultOf(operator, give(asked, { uid: 'uid-2', personalData: { IP: 'Block' } }))
    assert.equal(refused.outcome.case, 'failure')
    assert.deepEqual([refused.outcome.value.class, refused.outcome.value.reason], ['BadInput', 'PersonalData'])
    // What the model makes of it is nobody's to refuse.
    const written = await resultOf(operator, give('198. 51. 100. 7 [[glue]]', { uid: 'uid-3', personalData: { IP: 'Block' } }))
    const made = inferenceResult.parse(JSON.parse(written.outcome.case === 'success' ? written.outcome.value.inline : ''))
    assert.equal(made.text, '[IP]')
    assert.equal(server.events.get('uid-3/1')?.join(''), '[IP]')
    assert.ok(logged.some((line) => line.includes('"found":{"IP":1}')))
    const kept = [...server.objects].filter(([key]) => !key.includes('uid-1')).map(([, bytes]) => bytes)
    assert.doesNotMatch([...kept, ...logged].join('\n'), /jane@example|192\.0\.2|198\.51/)
  })

  it('brings texts by reference, and holds them to what policies say', async (t) => {
    const { operator, server, give } = await start(t)
    const stored = { text: 'jane@example.com wrote', finishReason: 'stop', usage: { promptTokens: 1, completionTokens: 1, durationMs: 1 } }
    server.objects.set('outputs/team-a/x/a1/result.json', Buffer.from(JSON.stringify(stored)))
    server.objects.set('outputs/team-a/x/a1/files/page', Buffer.from('page one'))
    server.objects.set('outputs/team-a/x/a1/files/bytes', Buffer.from([0xff, 0xfe]))
    const of = (name: string, file: string): NonNullable<InferenceWork['inputs']>[number] => ({ name, key: `outputs/team-a/x/a1/${file}` })
    const inputs = [{ ...of('mail', 'result.json'), part: 'text' as const }, of('page', 'files/page')]
    const asked = 'Read: $(inputs.mail) $(inputs.page)'
    const answered = await resultOf(operator, give(asked, { inputs, personalData: { Email: 'Redact' } }))
    const { text } = inferenceResult.parse(JSON.parse(answered.outcome.case === 'success' ? answered.outcome.value.inline : ''))
    assert.equal(text, 'Read: [Email] wrote page one')
    for (const [uid, prompt, given, want] of [
      ['blocked', asked, { inputs, personalData: { Email: 'Block' as const } }, /personal data \(Email\)/],
      ['absent', '$(inputs.none)', { inputs: [of('none', 'files/none')] }, /Text none .* is not in the artifact store/],
      ['unnamed', '$(inputs.other)', { inputs }, /There is no text for \$\(inputs\.other\)/],
      ['binary', '$(inputs.bytes)', { inputs: [of('bytes', 'files/bytes')] }, /Text bytes is no UTF-8/],
    ] as const) {
      const { outcome } = await resultOf(operator, give(prompt, { uid, ...given }))
      assert.equal(outcome.case, 'failure', uid)
      assert.equal(outcome.value.class, 'BadInput')
      assert.match(outcome.value.message, want)
    }
  })

  it('runs an attempt once, however often it is assigned, and repeats its result', async (t) => {
    const { operator, server, give } = await start(t)
    const ref = give('one two')
    give('one two', { ref })
    await resultOf(operator, ref)
    give('one two', { ref })
    await eventually(() => operator.heard('result').length === 2)
    assert.equal(operator.heard('started').length, 1)
    assert.equal(server.requests.filter(({ method }) => method === 'PUT').length, 1)
  })

  it('keeps a result on disk until Ack, through a lost stream and a restart', async (t) => {
    const { operator, folder, give, restart } = await start(t)
    const ref = give('secret question')
    await resultOf(operator, ref)
    operator.drop()
    await eventually(() => operator.heard('result').length === 2)
    const [kept] = await readdir(join(folder, 'results'))
    assert.equal(kept, 'uid-1.1')
    assert.ok(!(await readFile(join(folder, 'results', kept))).includes('assignment-token'))
    await restart()
    await eventually(() => operator.heard('result').length === 3)
    assert.deepEqual(
      operator
        .heard('hello')
        .at(-1)
        ?.finished.map(({ jobUid }) => jobUid),
      ['uid-1'],
    )
    operator.tell({ case: 'ack', value: { ref, verdict: Verdict.COMMITTED } })
    await eventually(async () => (await readdir(join(folder, 'results'))).length === 0)
  })

  it('goes on with its work when the operator is lost, and says so in the next Hello', async (t) => {
    const { operator, give } = await start(t)
    const ref = give('a b c d [[delay 100]]')
    await eventually(() => operator.heard('started').length === 1)
    operator.drop()
    await eventually(() => operator.heard('hello').length === 2)
    assert.deepEqual(
      operator.heard('hello')[1]?.running.map(({ jobUid }) => jobUid),
      ['uid-1'],
    )
    assert.equal((await resultOf(operator, ref)).outcome.case, 'success')
  })

  it('holds models ready that it is told to, without a Job, and says so', async (t) => {
    const { operator, server, logged } = await start(t, { slots: 1 }, { engine: { needsFile: true } })
    const [first, second] = ['one', 'two'].map((text) => {
      const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`
      server.objects.set(`models/${text}`, Buffer.from(text))
      return { name: `team-a/${text}`, digest, artifact: `models/${text}`, sizeBytes: text.length, engine: 'llama-cpp' }
    })
    const missing = { ...anyModel, artifact: 'models/missing' }
    const models = [first ?? missing, missing, second ?? missing].map(encodeModel)
    operator.tell({ case: 'preload', value: { token: 'preload-token', serverUrl: server.url, models } })
    await eventually(() => logged.filter((line) => line.includes('was made ready ahead')).length === 2)
    operator.drop()
    const hello = await eventually(() => operator.heard('hello')[1])
    const held = new Map(hello.capabilities?.models.map(({ digest, loaded }) => [digest, loaded]))
    assert.equal(held.get(first?.digest ?? ''), true)
    assert.equal(held.get(second?.digest ?? ''), false, 'the engine holds one at a time')
    assert.ok(server.requests.every(({ token }) => token === 'preload-token'))
    assert.ok(
      logged.some((line) => line.includes('could not be made ready')),
      'one that cannot be had holds nobody up',
    )
  })

  it('ends with cancelled and tells no token after Cancel', async (t) => {
    const { operator, server, give } = await start(t)
    const ref = give('word [[tokens 1000]] [[delay 20]]')
    await eventually(() => (server.events.get('uid-1/1')?.length ?? 0) >= 3)
    operator.tell({ case: 'cancel', value: { ref, reason: 'UserCancelled' } })
    assert.equal((await resultOf(operator, ref)).outcome.case, 'cancelled')
    const told = server.events.get('uid-1/1')?.length ?? 0
    assert.ok(told < 1000)
    assert.ok(!server.objects.has('outputs/team-a/uid-1/a1/result.json'))
    assert.ok(!server.ended.has('uid-1/1'))
  })

  it('releases what it does not know, and repeats the result of what has ended, on Cancel', async (t) => {
    const { operator, give } = await start(t)
    operator.tell({ case: 'cancel', value: { ref: attemptRef({ jobUid: 'other', attempt: 4 }), reason: '' } })
    await eventually(() => operator.heard('released').length === 1)
    assert.equal(operator.heard('released')[0]?.ref?.jobUid, 'other')
    const ref = give('quick')
    await resultOf(operator, ref)
    operator.tell({ case: 'cancel', value: { ref, reason: '' } })
    await eventually(() => operator.heard('result').length === 2)
    assert.equal(operator.heard('result')[1]?.outcome.case, 'success')
  })

  it('says nothing more of an attempt that the operator has acknowledged, even one that it still runs', async (t) => {
    const { operator, give } = await start(t)
    const done = give('quick')
    await resultOf(operator, done)
    operator.tell({ case: 'ack', value: { ref: done, verdict: Verdict.SUPERSEDED } })
    operator.tell({ case: 'cancel', value: { ref: done, reason: 'superseded' } })
    const running = give('[[hang]]', { uid: 'uid-2' })
    await eventually(() => operator.heard('started').length === 2)
    operator.tell({ case: 'ack', value: { ref: running, verdict: Verdict.GONE } })
    await resultOf(operator, give('next', { uid: 'uid-3' }))
    assert.deepEqual(operator.heard('released'), [])
    assert.deepEqual(
      operator.heard('result').map(({ ref }) => ref?.jobUid),
      ['uid-1', 'uid-3'],
    )
  })

  const failures: Record<string, { prompt: string; runTimeoutMs?: number; wantClass: string }> = {
    'fails with EngineCrashed when the engine crashes': { prompt: 'a b c [[crash]]', wantClass: 'EngineCrashed' },
    'fails with DeadlineExceeded when the run time is over': { prompt: '[[hang]]', runTimeoutMs: 50, wantClass: 'DeadlineExceeded' },
    'fails with the class of the engine': { prompt: '[[fail OutOfMemory]]', wantClass: 'OutOfMemory' },
  }
  for (const [sentence, { prompt, runTimeoutMs = 0, wantClass }] of Object.entries(failures)) {
    it(`${sentence}, and works on`, async (t) => {
      const { operator, give } = await start(t)
      const { outcome } = await resultOf(operator, give(prompt, { runTimeoutMs }))
      assert.equal(outcome.case, 'failure')
      assert.equal(outcome.value.class, wantClass)
      assert.equal((await resultOf(operator, give('again', { uid: 'uid-2' }))).outcome.case, 'success')
    })
  }

  it('fails with Internal for work that it cannot read, and repeats none of it', async (t) => {
    const { operator } = await start(t)
    const ref = attemptRef({ jobUid: 'uid-1', namespace: 'team-a', name: 'j', attempt: 1 })
    operator.assign({ ref, work: new TextEncoder().encode('{"prompt":"my secret"}') })
    const { outcome } = await resultOf(operator, ref)
    assert.equal(outcome.case, 'failure')
    assert.equal(outcome.value.reason, 'BadAssignment')
    assert.ok(!outcome.value.message.includes('secret'))
  })

  it('fails with StorageUnavailable when the server stays away', async (t) => {
    const { operator, server, give } = await start(t, { storageRetryMs: 300 })
    await server.goAway()
    const { outcome } = await resultOf(operator, give('one'))
    assert.equal(outcome.case, 'failure')
    assert.equal(outcome.value.class, 'StorageUnavailable')
    await server.comeBack()
  })

  it('stores the result although the server was away for a while', async (t) => {
    const { operator, server, give } = await start(t)
    server.refuse((method) => method === 'PUT', 503, 2)
    assert.equal((await resultOf(operator, give('one'))).outcome.case, 'success')
  })

  it('hands back what it has no slot for, and everything while draining', async (t) => {
    const { operator, give } = await start(t)
    give('[[hang]]')
    await eventually(() => operator.heard('started').length === 1)
    give('two', { uid: 'uid-2' })
    await eventually(() => operator.heard('released').length === 1)
    operator.tell({ case: 'drain', value: {} })
    give('three', { uid: 'uid-3' })
    await eventually(() => operator.heard('released').length === 2)
    assert.deepEqual(
      operator.heard('released').map(({ reason }) => reason),
      ['NoFreeSlot', 'WorkerDraining'],
    )
  })

  it('ends an older attempt of a Job without a word when a newer one arrives, and hands back an older one', async (t) => {
    const { operator, give } = await start(t)
    give('[[hang]]')
    await eventually(() => operator.heard('started').length === 1)
    const second = give('[[hang]]', { attempt: 2 })
    await eventually(() => operator.heard('started').length === 2)
    give('x', { ref: attemptRef({ ...second, attempt: 1 }) })
    await eventually(() => operator.heard('released').length === 1)
    assert.equal(operator.heard('released')[0]?.reason, 'NewerAttemptRuns')
    assert.equal(operator.heard('result').length, 0)
  })

  it('finishes what runs when it is stopped', async (t) => {
    const { operator, give, stop } = await start(t)
    const ref = give('a b [[delay 50]]')
    await eventually(() => operator.heard('started').length === 1)
    const stopped = stop()
    give('late', { uid: 'uid-2' })
    const { outcome } = await resultOf(operator, ref)
    operator.tell({ case: 'ack', value: { ref, verdict: Verdict.COMMITTED } })
    await stopped
    assert.equal(outcome.case, 'success')
    assert.equal(operator.heard('released')[0]?.reason, 'WorkerStopping')
  })

  it('hands back what has not ended when the grace is over', async (t) => {
    const { operator, give, stop } = await start(t, { graceMs: 100 })
    give('[[hang]]')
    await eventually(() => operator.heard('started').length === 1)
    await stop()
    assert.deepEqual(
      operator.heard('released').map(({ reason }) => reason),
      ['WorkerStopping'],
    )
    assert.equal(operator.streams(), 0)
  })

  it('tries the next operator when one does not lead, and leaves one of an older epoch', async (t) => {
    const { operator, others, give } = await start(t, {}, { operators: 2 })
    const other = others[0] ?? assert.fail('no other operator')
    other.epoch = 5n
    operator.isLeading = false
    operator.drop()
    await eventually(() => other.streams() === 1)
    // The old leader believes that it leads still; the worker has seen a newer one.
    operator.isLeading = true
    other.isLeading = false
    other.drop()
    await eventually(() => operator.heard('hello').length >= 2)
    give('obey me not')
    other.isLeading = true
    await eventually(() => other.streams() === 1)
    other.tell({ case: 'drain', value: {} }, 4n)
    const ref = attemptRef({ jobUid: 'uid-9', namespace: 'team-a', name: 'j', attempt: 1 })
    other.assign({ ref, work: encodeWork(inference('[[fail BadInput]]')) })
    assert.equal((await resultOf(other, ref)).outcome.case, 'failure')
    assert.equal(operator.heard('started').length, 0)
  })

  it('fetches, verifies and reports a model that its engine reads from disk', async (t) => {
    const { operator, server, give } = await start(t, {}, { engine: { needsFile: true } })
    const bytes = Buffer.alloc(100_000, 7)
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
    server.objects.set('models/x', bytes)
    const model = { name: 'team-a/m', digest, artifact: 'models/x', sizeBytes: bytes.length, engine: 'stub' }
    assert.equal((await resultOf(operator, give('one', { model }))).outcome.case, 'success')
    await eventually(() =>
      operator.heard('heartbeat').some(({ models }) => models.some((state) => state.digest === digest && state.loaded)),
    )
    assert.ok(operator.heard('progress').some(({ message }) => message === 'Downloading the model'))
    const wrong = { ...model, digest: `sha256:${'0'.repeat(64)}` }
    const { outcome } = await resultOf(operator, give('two', { uid: 'uid-2', model: wrong }))
    assert.equal(outcome.case, 'failure')
    assert.equal(outcome.value.reason, 'DigestMismatch')
  })

  it('logs no prompt, no answer and no token', async (t) => {
    const { operator, give, logged } = await start(t)
    await resultOf(operator, give('topsecretword [[crash]]'))
    await resultOf(operator, give('topsecretword', { uid: 'uid-2' }))
    const text = logged.join('')
    for (const secret of ['topsecretword', 'assignment-token', 'join-token']) assert.ok(!text.includes(secret), secret)
    assert.ok(text.includes('an attempt failed'))
  })
})

interface Given {
  readonly personalData?: InferenceWork['personalData']
  readonly inputs?: readonly NonNullable<InferenceWork['inputs']>[number][]
  readonly uid?: string
  readonly attempt?: number
  readonly ref?: AttemptRef
  readonly runTimeoutMs?: number
  readonly model?: InferenceWork['model']
}

interface Started {
  readonly operator: FakeOperator
  readonly others: readonly FakeOperator[]
  readonly server: FakeServer
  readonly folder: string
  readonly logged: string[]
  readonly give: (prompt: string, given?: Given) => AttemptRef
  readonly stop: () => Promise<void>
  readonly restart: () => Promise<void>
}

const anyModel = { name: 'team-a/m', digest: `sha256:${'a'.repeat(64)}`, artifact: 'models/m', sizeBytes: 3, engine: 'llama-cpp' }

const inference = (prompt: string, model: InferenceWork['model'] = anyModel): InferenceWork => ({
  type: 'inference',
  model,
  prompt,
  parameters: { maxTokens: 2000 },
})

async function resultOf(operator: FakeOperator, ref: AttemptRef) {
  return await eventually(() =>
    operator.heard('result').find((result) => result.ref?.jobUid === ref.jobUid && result.ref.attempt === ref.attempt),
  )
}

async function start(
  t: TestContext,
  settings: WorkerConfigInput = {},
  of: { operators?: number; heartbeatMs?: number; engine?: StubOptions; before?: readonly string[] } = {},
): Promise<Started> {
  const folder = await mkdtemp(join(tmpdir(), 'mnemos-worker-'))
  const server = await startFakeServer()
  const operators = await Promise.all(Array.from({ length: of.operators ?? 1 }, () => startFakeOperator()))
  const [operator = assert.fail('no operator'), ...others] = operators
  for (const each of operators) each.heartbeatMs = of.heartbeatMs ?? each.heartbeatMs
  await writeFile(join(folder, 'join-token'), 'join-token\n')
  const config = parseWorkerConfig(
    {},
    {
      operator: [...(of.before ?? []), ...operators.map(({ address }) => address)].join(','),
      pool: 'team-a/gpus',
      name: 'w1',
      joinTokenFile: join(folder, 'join-token'),
      cacheDir: folder,
      engine: 'stub',
      progressMs: 10,
      graceMs: 200,
      ...settings,
    },
  )
  const logged: string[] = []
  const logger = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) })
  let controller = new AbortController()
  let running: Promise<void> | undefined
  const run = async (): Promise<void> => {
    const before = operators.reduce((sum, each) => sum + each.streams(), 0)
    controller = new AbortController()
    running = runWorker(config, { signal: controller.signal, logger, engine: stubEngine(of.engine) })
    await eventually(() => operators.reduce((sum, each) => sum + each.streams(), 0) > before)
  }
  const stop = async (): Promise<void> => {
    controller.abort(new Error('stop'))
    await running
  }
  await run()
  t.after(async () => {
    for (const each of operators) each.close()
    await stop()
    await server.close()
    await rm(folder, { recursive: true, force: true })
  })
  const give = (
    prompt: string,
    { uid = 'uid-1', attempt = 1, ref, runTimeoutMs = 0, model, personalData, inputs }: Given = {},
  ): AttemptRef => {
    const named = ref ?? attemptRef({ jobUid: uid, namespace: 'team-a', name: 'j', attempt })
    operator.assign({
      ref: named,
      work: encodeWork({
        ...inference(prompt, model),
        ...(personalData === undefined ? {} : { personalData }),
        ...(inputs === undefined ? {} : { inputs: [...inputs] }),
      }),
      serverUrl: server.url,
      runTimeoutMs,
    })
    return named
  }
  const restart = async (): Promise<void> => {
    await stop()
    await run()
  }
  return { operator, others, server, folder, logged, give, stop, restart }
}
