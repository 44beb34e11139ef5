import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReviewRequest } from '@mnemos/domain'
import type { Client } from '@mnemos/kube'
import { virtualClock } from '@mnemos/testkit'
import { createForecast } from './blast-radius.ts'

const request: ReviewRequest = {
  ...{ stage: 'validate', operation: 'CREATE', group: 'mnemos.dev', kind: 'Policy', namespace: 'team-a', userName: 'ada' },
  object: {
    ...{ apiVersion: 'mnemos.dev/v1alpha1', kind: 'Policy', metadata: { name: 'p', namespace: 'team-a' } },
    spec: { match: { kinds: ['Queue', 'Model', 'Job'] }, rules: [{ name: 'e', expression: 'false', message: 'no' }] },
  },
}
const aJob = (name: string): unknown => ({
  apiVersion: 'mnemos.dev/v1alpha1',
  kind: 'Job',
  metadata: { name, namespace: 'team-a' },
  spec: {},
})

function forecastOver(answer: (path: string, query: Readonly<Record<string, string>>) => Promise<unknown>) {
  const asked: string[] = []
  const api = {
    request: (_method: string, path: string, { query = {} }: { query?: Readonly<Record<string, string>> } = {}) => {
      asked.push(`${path}?${new URLSearchParams(query).toString()}`)
      return answer(path, query)
    },
  } as Pick<Client, 'request'>
  const world = { namespaceLabels: () => ({}), modelFacts: () => undefined }
  return { asked, forecast: createForecast({ client: api, clock: virtualClock(), world, waitMs: 1000 }) }
}

test('all pages of the kinds that the policy looks at are read, in its own namespace, and none without one', async () => {
  const { asked, forecast } = forecastOver((path, query) => {
    if (path.endsWith('mnemosmodels')) return Promise.resolve({ items: [] })
    const isLast = query['continue'] === 'more'
    return Promise.resolve({ metadata: isLast ? {} : { continue: 'more' }, items: [aJob(isLast ? 'b' : 'a')] })
  })
  const [first] = (await forecast(request)) ?? []
  assert.match(first ?? '', /refuse 2 of the 2 objects/)
  assert.deepEqual(asked, [
    '/apis/mnemos.dev/v1alpha1/namespaces/team-a/mnemosjobs?limit=100',
    '/apis/mnemos.dev/v1alpha1/namespaces/team-a/mnemosjobs?limit=100&continue=more',
    '/apis/mnemos.dev/v1alpha1/namespaces/team-a/mnemosmodels?limit=100',
  ])
})

test('when the API server stops answering, what was seen is told and nothing is refused', async () => {
  const { forecast } = forecastOver((path) =>
    path.endsWith('mnemosjobs') ? Promise.resolve({ items: [aJob('a')] }) : Promise.reject(new Error('away')),
  )
  assert.match((await forecast(request))?.[0] ?? '', /refuse 1 of the 1 objects that it looked at in the time there was/)
})

test('what changes no policy is not looked at', () => {
  const { asked, forecast } = forecastOver(() => Promise.reject(new Error('never')))
  assert.equal(forecast({ ...request, kind: 'Job' }), undefined)
  assert.deepEqual(asked, [])
})
