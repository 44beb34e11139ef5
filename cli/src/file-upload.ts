/**
 * Stores a file of the user's in the artifact store, so that Jobs can read it: `PUT /v1/files/{key}`.
 *
 * The token is asked for anew for each file; a refusal is an ApiError, as that of the contract's client.
 */
import { createHash } from 'node:crypto'
import { ApiError, errorBody } from '@mnemos/contract'

export interface FileUpload {
  /** Base URL of the server. */
  readonly url: string
  readonly token: () => Promise<string>
  readonly namespace: string
  readonly signal: AbortSignal
  readonly fetch?: typeof fetch
}

/** @returns the URI by which Jobs read it @throws ApiError when the server refuses */
export async function uploadFile(key: string, bytes: Uint8Array, upload: FileUpload): Promise<string> {
  const { url, token, namespace, signal, fetch: fetchWith = fetch } = upload
  const target = new URL(`${url.replace(/\/$/, '')}/v1/files/${key.split('/').map(encodeURIComponent).join('/')}`)
  target.searchParams.set('namespace', namespace)
  // What arrives otherwise is refused.
  const digest = createHash('sha256').update(bytes).digest('hex')
  const response = await fetchWith(target, {
    method: 'PUT',
    headers: { authorization: `Bearer ${await token()}`, 'content-type': 'application/octet-stream', 'x-mnemos-sha256': digest },
    body: new Uint8Array(bytes),
    signal,
  })
  const answer: unknown = await response.json().catch(() => undefined)
  if (!response.ok) {
    const parsed = errorBody.safeParse(answer)
    throw new ApiError(response.status, parsed.data?.error, `PUT ${target.pathname} was answered with ${response.status}`)
  }
  const hasUri = typeof answer === 'object' && answer !== null && 'uri' in answer && typeof answer.uri === 'string'
  return hasUri ? String(answer.uri) : `artifact://files/${namespace}/${key}`
}
