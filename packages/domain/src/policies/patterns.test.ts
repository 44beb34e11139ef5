import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { imagePattern } from './image-pattern.ts'
import { nanosOf } from './quantity.ts'
import { parseSource, sourcePattern } from './source-pattern.ts'
import { wildcard } from './wildcard.ts'

test('wildcard: matches what a regular expression of the same meaning does', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.'), maxLength: 12 })
  fc.assert(
    fc.property(letters, fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 14 }), (pattern, text) => {
      const meaning = new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`, 's')
      assert.equal(wildcard(pattern)(text), meaning.test(text), `${pattern} on ${text}`)
    }),
    { numRuns: 2000 },
  )
})

const sources: Record<string, { pattern: string; uri: string; want: boolean | 'misleading' }> = {
  'a bucket means all that is in it': { pattern: 's3://models', uri: 's3://models/a/b.gguf', want: true },
  'a bucket is not another one that begins alike': { pattern: 's3://models', uri: 's3://models-of-mallory/a', want: false },
  'a star in the host stays in the host': { pattern: 'https://*.example.com/m', uri: 'https://evil.net/.example.com/m', want: false },
  'a star in the path crosses folders': { pattern: 'hf://org/*', uri: 'hf://org/model/file.gguf', want: true },
  'hosts of the network are the same in any case': { pattern: 'https://Hub.example/x', uri: 'HTTPS://hub.EXAMPLE/x', want: true },
  'buckets are not': { pattern: 's3://Models', uri: 's3://models/x', want: false },
  'the default port says nothing': { pattern: 'https://hub.example/*', uri: 'https://hub.example:443/x', want: true },
  'another port is another place': { pattern: 'https://hub.example/*', uri: 'https://hub.example:8443/x', want: false },
  'a user name could hide the host': { pattern: '*', uri: 'https://good.example@evil.example/x', want: 'misleading' },
  'dots lead out of a folder': { pattern: 's3://b/public/*', uri: 's3://b/public/../secret', want: 'misleading' },
  'so do escaped dots': { pattern: 's3://b/public/*', uri: 's3://b/public/%2e%2e/secret', want: 'misleading' },
  'and escaped separators': { pattern: 's3://b/*', uri: 's3://b/a%2Fb', want: 'misleading' },
  'and backslashes': { pattern: 'https://h/*', uri: 'https://h\\@evil/', want: 'misleading' },
  'and invisible characters': { pattern: 'https://h/*', uri: 'https://h/\u200bx', want: 'misleading' },
  'a file of the node has no host': { pattern: 'file:///models/*', uri: 'file:///models/x.gguf', want: true },
  'a query is no part of the place': { pattern: 'https://h/x', uri: 'https://h/x?token=1', want: true },
}
for (const [name, { pattern, uri, want }] of Object.entries(sources)) {
  test(`source: ${name}`, () => {
    const source = parseSource(uri)
    assert.equal(source === undefined ? 'misleading' : sourcePattern(pattern)?.(source), want)
  })
}

const images: Record<string, { pattern: string; image: string; want: boolean }> = {
  'a registry means all that is in it': { pattern: 'registry.example/*', image: 'registry.example/team/app:1', want: true },
  'it is not another one that begins alike': { pattern: 'registry.example/*', image: 'registry.example.evil/app', want: false },
  'nor a path that looks like it': { pattern: '*.example/app', image: 'evil.net/registry.example/app', want: false },
  'a bare name is of the library of docker.io': { pattern: 'docker.io/library/*', image: 'busybox', want: true },
  'a bare pattern, too': { pattern: 'busybox', image: 'docker.io/library/busybox:1.36', want: true },
  'a tag is compared when the pattern has one': { pattern: 'r.io/app:1.*', image: 'r.io/app:2.0', want: false },
  'no tag is latest': { pattern: 'r.io/app:latest', image: 'r.io/app', want: true },
  'of an image with a digest the tag says nothing': { pattern: 'r.io/app:1', image: `r.io/app:1@sha256:${'0'.repeat(64)}`, want: false },
  'a pattern can demand a digest': { pattern: 'r.io/*@sha256:*', image: 'r.io/app:1', want: false },
  'and finds it': { pattern: 'r.io/*@sha256:*', image: `r.io/app@sha256:${'0'.repeat(64)}`, want: true },
  'a port belongs to the registry': { pattern: 'localhost:5000/*', image: 'localhost:5000/app', want: true },
}
for (const [name, { pattern, image, want }] of Object.entries(images)) {
  test(`image: ${name}`, () => assert.equal(imagePattern(pattern)(image), want))
}

const quantities: readonly (readonly [string | number, bigint | undefined])[] = [
  ['1', 1_000_000_000n],
  [2, 2_000_000_000n],
  ['500m', 500_000_000n],
  ['0.5', 500_000_000n],
  ['1Ki', 1_024_000_000_000n],
  ['1.5Gi', 1_610_612_736_000_000_000n],
  ['1e3', 1_000_000_000_000n],
  ['1E', 1_000_000_000_000_000_000_000_000_000n],
  ['-1', -1_000_000_000n],
  ['0.1n', 1n],
  ['', undefined],
  ['.', undefined],
  ['1 Gi', undefined],
  ['many', undefined],
]
for (const [quantity, want] of quantities) {
  test(`quantity: ${JSON.stringify(quantity)}`, () => assert.equal(nanosOf(quantity), want))
}
