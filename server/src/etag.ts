/** Versions of objects as entity tags (RFC 9110 §8.8.3), and the versions that requests demand. */
import type { KubeObject } from '@mnemos/kube'
import type { FastifyRequest } from 'fastify'
import { Refusal } from './refusal.ts'

export function tagOf({ metadata }: KubeObject): string {
  return `"${metadata.resourceVersion ?? ''}"`
}

export function tagsOf(header: string | undefined): readonly string[] {
  return (header ?? '')
    .split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''))
    .filter((tag) => tag !== '')
}

/** The version in If-Match. @throws Refusal MNEMOS_IF_MATCH without one, MNEMOS_STALE for one that was never given */
export function demandedVersion(request: FastifyRequest, kind: string, name: string): string {
  const tags = tagsOf(request.headers['if-match'])
  const [tag] = tags
  if (tag === undefined || tags.length > 1 || tag === '*') {
    throw new Refusal('MNEMOS_IF_MATCH', `Send If-Match with the one ETag of ${kind} ${name} that this change is about; GET shows it.`)
  }
  return versionOf(tag, `${kind} ${name}`)
}

/** The version in If-Match; undefined without one. @throws Refusal MNEMOS_STALE for one that was never given */
export function versionIn(request: FastifyRequest, what: string): string | undefined {
  const [tag] = tagsOf(request.headers['if-match'])
  return tag === undefined || tag === '*' ? undefined : versionOf(tag, what)
}

function versionOf(tag: string, what: string): string {
  const resourceVersion = /^"(\d+)"$/.exec(tag)?.[1]
  if (resourceVersion === undefined) throw stale(what)
  return resourceVersion
}

export function stale(what: string): Refusal {
  return new Refusal('MNEMOS_STALE', `${what} changed since the version in If-Match; read it again and decide anew.`)
}
