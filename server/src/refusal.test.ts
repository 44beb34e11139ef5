import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ArtifactError } from '@mnemos/artifacts'
import { apiErrors } from '@mnemos/contract'
import { AssignmentTokenError } from '@mnemos/identity'
import { KubeError } from '@mnemos/kube'
import { StreamStoreError } from '@mnemos/stores'
import { Refusal, refusalOf, refusalOfOwnRequest } from './refusal.ts'

const kube = (status: number, more: Partial<ConstructorParameters<typeof KubeError>[1]> = {}): KubeError =>
  new KubeError('the API server said so', { status, reason: 'Because', ...more })
const fastify = (code: string): Error => Object.assign(new Error('internal words'), { code })

const refusals: Record<string, { error: unknown; want: string; wantMessage?: RegExp; wantRetryAfter?: number }> = {
  'a refusal stays itself': { error: new Refusal('MNEMOS_NOT_READY', 'not yet'), want: 'MNEMOS_NOT_READY', wantMessage: /^not yet$/ },
  'what RBAC forbids is forbidden': { error: kube(403), want: 'MNEMOS_FORBIDDEN', wantMessage: /said so/ },
  'a name that is taken is a conflict': { error: kube(409), want: 'MNEMOS_CONFLICT' },
  'what is not there is not found': { error: kube(404), want: 'MNEMOS_NOT_FOUND' },
  'what the API server cannot read is invalid': { error: kube(400), want: 'MNEMOS_INVALID', wantMessage: /said so/ },
  'what the API server finds too large is too large': { error: kube(413), want: 'MNEMOS_TOO_LARGE' },
  'a user who is not known any more is nobody': { error: kube(401), want: 'MNEMOS_UNAUTHENTICATED' },
  'a throttled request says when to come again, in whole seconds': {
    error: kube(429, { retryAfterMs: 1500 }),
    want: 'MNEMOS_THROTTLED',
    wantRetryAfter: 2,
  },
  'a rate limit that is full says itself when it is not': { error: kube(429), want: 'MNEMOS_THROTTLED', wantMessage: /said so/ },
  'a policy that nobody could ask says so itself': {
    error: new KubeError('admission webhook "validate.mnemos.dev" denied the request: cannot be counted', { status: 503, reason: 'x' }),
    want: 'MNEMOS_UNAVAILABLE',
    wantMessage: /cannot be counted/,
    wantRetryAfter: 1,
  },
  'an API server that fails is unavailable': { error: kube(500), want: 'MNEMOS_UNAVAILABLE', wantRetryAfter: 1 },
  'an API server that is not reached is unavailable': { error: kube(0), want: 'MNEMOS_UNAVAILABLE', wantRetryAfter: 1 },
  'an assignment token that is not accepted is no identity': {
    error: new AssignmentTokenError('the assignment token has expired'),
    want: 'MNEMOS_UNAUTHENTICATED',
    wantMessage: /expired/,
  },
  'a bad key is a bad request': { error: new ArtifactError('BadKey', 'bad'), want: 'MNEMOS_BAD_REQUEST' },
  'a broken promise is a mismatch': { error: new ArtifactError('DigestMismatch', 'other'), want: 'MNEMOS_DIGEST_MISMATCH' },
  'a full store is full': { error: new ArtifactError('NoSpace', 'full'), want: 'MNEMOS_NO_SPACE' },
  'a store of artifacts that is away is asked again soon': {
    error: new ArtifactError('Unavailable', 'host 10.0.0.1'),
    want: 'MNEMOS_UNAVAILABLE',
    wantMessage: /^The artifact store cannot serve this now; try again\.$/,
    wantRetryAfter: 2,
  },
  'a store of artifacts that denies has to be mended first': {
    error: new ArtifactError('Denied', 'key AKIA'),
    want: 'MNEMOS_UNAVAILABLE',
    wantMessage: /^The artifact store cannot serve this now; try again\.$/,
    wantRetryAfter: 15,
  },
  'a bucket that is missing has to be made first': {
    error: new ArtifactError('NoBucket', 'b'),
    want: 'MNEMOS_UNAVAILABLE',
    wantRetryAfter: 15,
  },
  'a store of streams that is away is asked again soon': {
    error: new StreamStoreError('Unavailable', 'host 10.0.0.1'),
    want: 'MNEMOS_UNAVAILABLE',
    wantMessage: /^The stream store cannot serve this now; try again\.$/,
    wantRetryAfter: 2,
  },
  'a store of streams that denies has to be mended first': {
    error: new StreamStoreError('Denied', 'user x'),
    want: 'MNEMOS_UNAVAILABLE',
    wantRetryAfter: 15,
  },
  'a store of streams without memory is full': { error: new StreamStoreError('NoSpace', 'OOM'), want: 'MNEMOS_NO_SPACE' },
  'a range beyond the end is a range': { error: new ArtifactError('BadRange', 'far'), want: 'MNEMOS_RANGE' },
  'a body over the limit is too large': { error: fastify('FST_ERR_CTP_BODY_TOO_LARGE'), want: 'MNEMOS_TOO_LARGE' },
  'a body that ends early is a bad request': { error: fastify('FST_ERR_CTP_INVALID_CONTENT_LENGTH'), want: 'MNEMOS_BAD_REQUEST' },
  'an error that nobody foresaw tells the caller nothing of itself': {
    error: new Error('password=hunter2'),
    want: 'MNEMOS_INTERNAL',
    wantMessage: /^The server made a mistake; its log names this request\.$/,
  },
  'what is no error is internal too': { error: 'password=hunter2', want: 'MNEMOS_INTERNAL', wantMessage: /^The server made a mistake/ },
}

for (const [sentence, { error, want, wantMessage = /./, wantRetryAfter }] of Object.entries(refusals)) {
  test(sentence, () => {
    const refusal = refusalOf(error)
    assert.equal(refusal.code, want)
    assert.match(refusal.message, wantMessage)
    assert.equal(refusal.retryAfterSeconds, wantRetryAfter)
    assert.equal(refusal.status, apiErrors[refusal.code].status)
  })
}

test('what the API server finds invalid is said by field', () => {
  const causes = [{ field: 'spec.prompt', message: 'too long' }, { reason: 'Odd' }]
  assert.deepEqual(refusalOf(kube(422, { details: { causes } })).details, [
    { field: 'spec.prompt', message: 'too long' },
    { message: 'invalid' },
  ])
})

test('the cause of what nobody foresaw is kept for the log', () => {
  const error = new Error('a secret')
  assert.equal(refusalOf(error).cause, error)
})

const own: Record<string, { error: unknown; want: string }> = {
  'the server that is forbidden something is unavailable to its callers': { error: kube(403), want: 'MNEMOS_UNAVAILABLE' },
  'the server whose token is not known is unavailable': { error: kube(401), want: 'MNEMOS_UNAVAILABLE' },
  'the server that is throttled passes that on': { error: kube(429), want: 'MNEMOS_THROTTLED' },
  'a mistake of the server stays one': { error: new TypeError('oops'), want: 'MNEMOS_INTERNAL' },
}
for (const [sentence, { error, want }] of Object.entries(own)) {
  test(sentence, () => assert.equal(refusalOf(refusalOfOwnRequest(error)).code, want))
}
