import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMnemosClient } from './client.ts'

interface Sent {
  readonly method: string
  readonly url: string
  readonly body: unknown
  readonly headers: Headers
}

/** A client whose requests are kept, and answered with this text. */
function aClient(answer = '{}') {
  const sent: Sent[] = []
  const client = createMnemosClient({
    url: 'http://server/',
    token: () => Promise.resolve('t'),
    fetch: (input, init = {}) => {
      const url = input instanceof Request ? input.url : String(input)
      const body: unknown = typeof init.body === 'string' ? JSON.parse(init.body) : undefined
      sent.push({ method: init.method ?? '', url: url.slice('http://server'.length), body, headers: new Headers(init.headers) })
      return Promise.resolve(new Response(answer))
    },
  })
  return { sent, ...client }
}
type Pipelines = ReturnType<typeof aClient>['pipelines']

const requests: Record<string, { ask: (pipelines: Pipelines) => Promise<unknown>; want: string; body?: unknown }> = {
  'a pipeline is created in its namespace': {
    ask: (to) => to.create('n', { kind: 'Pipeline' }),
    want: 'POST /v1/pipelines?namespace=n',
    body: { kind: 'Pipeline' },
  },
  'a run without wishes is asked for with an empty body': {
    ask: (to) => to.run('n', 'p'),
    want: 'POST /v1/pipelines/p/run?namespace=n',
    body: {},
  },
  'what is not asked for is not in the query': {
    ask: (to) => to.runs('n', 'p', { limit: 2, phase: 'Failed' }),
    want: 'GET /v1/pipelines/p/runs?namespace=n&limit=2&phase=Failed',
  },
  'a page of steps says where it goes on': {
    ask: (to) => to.steps('n', 'p', 'r', { continue: 'ask:7', step: 'ask' }),
    want: 'GET /v1/pipelines/p/runs/r/steps?namespace=n&continue=ask%3A7&step=ask',
  },
  'an artifact is named by step, output and item': {
    ask: (to) => to.artifact('n', 'p', 'r', { step: 's', output: 'o', item: 0 }),
    want: 'GET /v1/pipelines/p/runs/r/artifacts/s/o?namespace=n&item=0',
  },
  'lineage is asked for by address': {
    ask: (to) => to.lineage('n', 'artifact://outputs/n/u/a1/x'),
    want: 'GET /v1/lineage?namespace=n&artifact=artifact%3A%2F%2Foutputs%2Fn%2Fu%2Fa1%2Fx',
  },
  'revisions are compared by their numbers': {
    ask: (to) => to.diff('n', 'p', { from: 1, to: 2 }),
    want: 'GET /v1/pipelines/p/diff?namespace=n&from=1&to=2',
  },
  'a decision names its step': {
    ask: (to) => to.approve('n', 'p', 'r', { step: 's', decision: 'Rejected' }),
    want: 'POST /v1/pipelines/p/runs/r/approve?namespace=n',
    body: { step: 's', decision: 'Rejected' },
  },
}
for (const [sentence, { ask, want, body }] of Object.entries(requests)) {
  test(sentence, async () => {
    const { pipelines, sent } = aClient()
    await ask(pipelines)
    assert.deepEqual(
      sent.map(({ method, url }) => `${method} ${url}`),
      [want],
    )
    assert.deepEqual(sent[0]?.body, body)
  })
}

test('a change says which version it is about, and a run under which key it is asked for', async () => {
  const { pipelines, sent } = aClient()
  await pipelines.replace('n', 'p', {}, { resourceVersion: '7' })
  await pipelines.rollback('n', 'p', 3, { resourceVersion: '8' })
  await pipelines.retry('n', 'p', 'r', {}, { idempotencyKey: 'k' })
  assert.deepEqual(
    sent.map(({ headers }) => headers.get('if-match') ?? headers.get('idempotency-key')),
    ['"7"', '"8"', 'k'],
  )
})

test('events come as what they are, and signs of life are none', async () => {
  const { pipelines } = aClient(
    [
      'event: run\nid: 4\ndata: {"phase":"Running","status":{"phase":"Running"}}\n\n',
      ': alive\n\n',
      'event: refused\ndata: {"code":"MNEMOS_FORBIDDEN","message":"no"}\n\n',
      'event: end\ndata: {}\n\n',
    ].join(''),
  )
  assert.deepEqual(await Array.fromAsync(pipelines.events('n', 'p', 'r', { lastEventId: '3' })), [
    { event: 'run', id: '4', phase: 'Running', status: { phase: 'Running' } },
    { event: 'refused', code: 'MNEMOS_FORBIDDEN', message: 'no' },
    { event: 'end' },
  ])
})
