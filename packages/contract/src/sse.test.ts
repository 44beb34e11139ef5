import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { formatEvent, readEvents, type ServerSentEvent } from './sse.ts'

const events: ServerSentEvent[] = [
  { event: 'token', id: '1-0', data: '{"text":"a\\nb"}' },
  { event: 'status', data: 'two\nlines' },
  { event: 'token', id: '1-1', data: '"ü"' },
]

function* inPieces(text: string, size: number): Generator<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size)
}

for (const size of [1, 2, 7, 1000]) {
  test(`events come out as they went in, cut into pieces of ${size} bytes`, async () => {
    const wire = `: hello\n\n${events.map(formatEvent).join(': alive\n\n')}`
    assert.deepEqual(await Array.fromAsync(readEvents(Readable.from(inPieces(wire, size)))), events)
  })
}
