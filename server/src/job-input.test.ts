import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { apiVersion, type Job } from '@mnemos/api'
import { jobFrom, type Submission } from './job-input.ts'
import { Refusal } from './refusal.ts'
import { requestDigestAnnotation } from './submission.ts'

const inference = { modelRef: { name: 'm' }, prompt: 'hi' }
const aBody = (change: Record<string, unknown> = {}) => ({
  apiVersion,
  kind: 'Job',
  metadata: { name: 'a' } as unknown,
  spec: { inference } as unknown,
  ...change,
})
const aShortBody = (change: Record<string, unknown> = {}) => ({ kind: 'inference', model_ref: 'm', spec: { prompt: 'hi' }, ...change })

const submit = (body: unknown, submission: Partial<Submission> = {}): Job =>
  jobFrom(body, { namespace: 'team-a', idempotencyKey: undefined, userName: 'alice', ...submission }) as Job

function refusalOf(body: unknown): Refusal {
  try {
    submit(body)
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error))
    return error
  }
  return assert.fail('it was accepted')
}

describe('a whole Job', () => {
  test('stays as it is, in the namespace of the query', () => {
    const body = aBody({ metadata: { name: 'a', labels: { x: 'y' } } })
    assert.deepEqual(submit(body), { ...body, metadata: { namespace: 'team-a', name: 'a', labels: { x: 'y' } } })
  })
  test('goes to the namespace that it names itself', () => {
    assert.equal(submit(aBody({ metadata: { name: 'a', namespace: 'team-b' } })).metadata.namespace, 'team-b')
  })
  test('gets a name of its own when it has none', () => {
    const names = [undefined, null, {}, {}].map((metadata) => submit(aBody({ metadata })).metadata.name)
    for (const name of names) assert.match(name, /^job-[0-9a-f]{10}$/)
    assert.equal(new Set(names).size, names.length)
  })
  test('gets a name from its prefix, cut so that a label can hold it', () => {
    const made = submit(aBody({ metadata: { generateName: `${'x'.repeat(60)}-` } })).metadata
    assert.match(made.name, /^x{50}[0-9a-f]{10}$/)
    assert.ok(!('generateName' in made))
  })
})

describe('an Idempotency-Key', () => {
  const unnamed = aBody({ metadata: {} })
  const nameWith = (idempotencyKey: string, userName = 'alice') => submit(unnamed, { idempotencyKey, userName }).metadata.name

  test('makes one name of one key of one user', () => {
    assert.equal(nameWith('k'), nameWith('k'))
    assert.notEqual(nameWith('k'), nameWith('l'))
    assert.notEqual(nameWith('k'), nameWith('k', 'bob'))
  })
  test('tells users apart whose names and keys run into each other', () => {
    assert.notEqual(nameWith('bc', 'a'), nameWith('c', 'ab'))
  })
  test('stores what was asked, so that another request with it can be told', () => {
    const digestOf = (body: unknown) => submit(body, { idempotencyKey: 'k' }).metadata.annotations?.[requestDigestAnnotation]
    assert.match(digestOf(unnamed) ?? '', /^[0-9a-f]{64}$/)
    assert.equal(digestOf(unnamed), digestOf(structuredClone(unnamed)))
    assert.notEqual(digestOf(unnamed), digestOf(aBody({ metadata: {}, spec: { inference: { ...inference, prompt: 'else' } } })))
  })
  test('keeps the annotations of the user, and leaves none behind without a key', () => {
    const annotated = aBody({ metadata: { name: 'a', annotations: { mine: '1', [requestDigestAnnotation]: 'forged' } } })
    const { annotations = {} } = submit(annotated, { idempotencyKey: 'k' }).metadata
    assert.equal(annotations['mine'], '1')
    assert.notEqual(annotations[requestDigestAnnotation], 'forged')
    assert.equal(submit(aBody()).metadata.annotations, undefined)
  })
})

const shortForms: Record<string, { body: unknown; want: object }> = {
  'the prompt goes to the Model by its name': { body: aShortBody(), want: { modelRef: { name: 'm' }, prompt: 'hi' } },
  'modelRef is the same as model_ref, and wins': {
    body: aShortBody({ modelRef: 'n' }),
    want: { modelRef: { name: 'n' }, prompt: 'hi' },
  },
  'messages are taken instead of a prompt': {
    body: aShortBody({ spec: { messages: [{ role: 'user', content: 'hi' }] } }),
    want: { modelRef: { name: 'm' }, messages: [{ role: 'user', content: 'hi' }] },
  },
  'parameters of either spelling become those of a Job': {
    body: aShortBody({ spec: { prompt: 'hi', params: { max_tokens: 5, top_p: 0.5, topK: 3, temperature: 0, stop: ['x'] } } }),
    want: { modelRef: { name: 'm' }, prompt: 'hi', parameters: { maxTokens: 5, topP: 0.5, topK: 3, temperature: 0, stop: ['x'] } },
  },
  'no parameters are no parameters': {
    body: aShortBody({ spec: { prompt: 'hi', params: {} } }),
    want: { modelRef: { name: 'm' }, prompt: 'hi' },
  },
}
describe('the short form', () => {
  for (const [sentence, { body, want }] of Object.entries(shortForms)) {
    test(sentence, () => assert.deepEqual(submit(body).spec, { inference: want }))
  }
  test('may name the Job and its namespace', () => {
    const { metadata } = submit(aShortBody({ name: 'mine', namespace: 'team-b' }))
    assert.deepEqual(metadata, { name: 'mine', namespace: 'team-b' })
  })
})

const refused: Record<string, { body: unknown; wantCode?: string; wantFields?: string[]; want: RegExp }> = {
  'text is refused': { body: 'hi', wantCode: 'MNEMOS_BAD_REQUEST', want: /must be a Job as JSON/ },
  'nothing is refused': { body: undefined, wantCode: 'MNEMOS_BAD_REQUEST', want: /must be a Job as JSON/ },
  'null is refused': { body: null, wantCode: 'MNEMOS_BAD_REQUEST', want: /must be a Job as JSON/ },
  'a list is refused': { body: [aBody()], wantCode: 'MNEMOS_BAD_REQUEST', want: /must be a Job as JSON/ },
  'another kind is refused': { body: aBody({ kind: 'Pod' }), wantFields: ['kind'], want: /kind: must be Job/ },
  'another version is refused': { body: aBody({ apiVersion: 'v1' }), wantFields: ['apiVersion'], want: /must be mnemos\.dev\/v1alpha1/ },
  'no spec is refused': { body: aBody({ spec: undefined }), wantFields: ['spec'], want: /^Job a is invalid: spec: is required/ },
  'a prompt of 2 MB is refused by its field, and is not repeated': {
    body: aBody({ spec: { inference: { ...inference, prompt: 'x'.repeat(2_000_000) } } }),
    wantFields: ['spec.inference.prompt'],
    want: /^.{0,200}at most 16384.{0,100}$/,
  },
  'a prompt that is a number is refused': {
    body: aBody({ spec: { inference: { ...inference, prompt: 5 } } }),
    wantFields: ['spec.inference.prompt'],
    want: /prompt: must be/,
  },
  'an unknown field is refused with what was meant': {
    body: aBody({ spec: { inference: { ...inference, promt: 'hi' } } }),
    wantFields: ['spec.inference.promt'],
    want: /promt: is not a field here \(did you mean "prompt"/,
  },
  'a field that would reach a prototype is refused like any unknown one': {
    body: JSON.parse(JSON.stringify(aBody()).replace('{', '{"__proto__":{"polluted":1},')),
    wantFields: ['__proto__'],
    want: /__proto__: is not a field here/,
  },
  'everything that is wrong is said at once': {
    body: aBody({ spec: { inference: { ...inference, parameters: { maxTokens: -1, temperature: 9 } }, priority: 'hihg' } }),
    wantFields: ['spec.inference.parameters.maxTokens', 'spec.inference.parameters.temperature', 'spec.priority'],
    want: /did you mean "high"/,
  },
  'metadata that is text is refused, not replaced': { body: aBody({ metadata: 'a' }), wantFields: ['metadata'], want: /metadata: must be/ },
  'metadata that is a list is refused': { body: aBody({ metadata: ['a'] }), wantFields: ['metadata'], want: /metadata: must be/ },
  'a name that is a number is refused, not replaced by another': {
    body: aBody({ metadata: { name: 5 } }),
    wantFields: ['metadata.name'],
    want: /^The Job is invalid: metadata\.name: must be a string/,
  },
  'a prefix that is a number is refused': {
    body: aBody({ metadata: { generateName: 5 } }),
    wantFields: ['metadata.generateName'],
    want: /metadata\.generateName: must be/,
  },
  'a namespace that is a number is refused': {
    body: aBody({ metadata: { name: 'a', namespace: 5 } }),
    wantFields: ['metadata.namespace'],
    want: /metadata\.namespace: must be/,
  },
  'annotations that are text are refused, not spelled out': {
    body: aBody({ metadata: { name: 'a', annotations: 'abc' } }),
    wantFields: ['metadata.annotations'],
    want: /metadata\.annotations: must be/,
  },
  'a label that is a number is refused by its key': {
    body: aBody({ metadata: { name: 'a', labels: { x: 1 } } }),
    wantFields: ['metadata.labels.x'],
    want: /metadata\.labels\.x: must be/,
  },
  'wrong metadata and a wrong spec are said at once': {
    body: aBody({ metadata: { name: 5 }, spec: { inference: { ...inference, prompt: 5 } } }),
    wantFields: ['metadata.name', 'spec.inference.prompt'],
    want: /metadata\.name.*spec\.inference\.prompt/,
  },
  'a short form without a model is refused': {
    body: { kind: 'inference', spec: { prompt: 'hi' } },
    wantFields: ['model_ref'],
    want: /name the Model/,
  },
  'a short form of another kind is refused with its shape': {
    body: { kind: 'training', model_ref: 'm', spec: {} },
    wantFields: ['kind'],
    want: /The short form is .*kind:/,
  },
  'an unknown field of the short form is refused by its name': {
    body: aShortBody({ prompt: 'hi' }),
    wantFields: ['prompt'],
    want: /prompt: is not a field here/,
  },
  'an unknown field in the spec of the short form is refused by its path': {
    body: aShortBody({ spec: { prompt: 'hi', modle: 'm' } }),
    wantFields: ['spec.modle'],
    want: /spec\.modle: is not a field here/,
  },
  'an unknown parameter of the short form is refused, not dropped': {
    body: aShortBody({ spec: { prompt: 'hi', params: { maxTokns: 5 } } }),
    wantFields: ['spec.inference.parameters.maxTokns'],
    want: /did you mean "maxTokens"/,
  },
  'a parameter of the short form of a wrong type is refused': {
    body: aShortBody({ spec: { prompt: 'hi', params: { temperature: 'hot', stop: 'x' } } }),
    wantFields: ['spec.params.stop', 'spec.params.temperature'],
    want: /temperature: must be a number; spec\.params\.stop: must be a list/,
  },
  'a parameter of the short form out of its range is refused': {
    body: aShortBody({ spec: { prompt: 'hi', params: { max_tokens: 0 } } }),
    wantFields: ['spec.inference.parameters.maxTokens'],
    want: /from 1 to 131072/,
  },
}
describe('what is wrong', () => {
  for (const [sentence, { body, wantCode = 'MNEMOS_INVALID', wantFields = [], want }] of Object.entries(refused)) {
    test(sentence, () => {
      const refusal = refusalOf(body)
      assert.equal(refusal.code, wantCode, refusal.message)
      assert.match(refusal.message, want)
      assert.deepEqual((refusal.details ?? []).map(({ field }) => field).sort(), wantFields)
    })
  }
  test('is said as a pointer too, with the suggestion apart', () => {
    const [detail] = refusalOf(aBody({ spec: { inference: { ...inference, promt: 'hi' } } })).details ?? []
    assert.equal(detail?.path, '/spec/inference/promt')
    assert.match(detail.suggestion ?? '', /"prompt"/)
  })
  test('is said at most a hundred times', () => {
    const unknown = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`zzz${at}`, 1]))
    assert.equal(refusalOf(aBody(unknown)).details?.length, 100)
  })
})
