import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { WorkFailure } from '../failure.ts'
import { ggufFile, list, text, u32, u64 } from './gguf.test-kit.ts'
import { type GgufSummary, isGguf, readGguf } from './gguf.ts'

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mnemos-gguf-'))
})
after(() => rm(folder, { recursive: true, force: true }))

async function read(bytes: Uint8Array): Promise<GgufSummary> {
  const path = join(folder, 'file')
  await writeFile(path, bytes)
  return readGguf(path)
}

const ordinary = {
  keys: {
    'general.architecture': text('llama'),
    'tokenizer.ggml.tokens': list(8, [text('a').payload, text('bb').payload]),
    'tokenizer.ggml.scores': list(6, [Buffer.alloc(4), Buffer.alloc(4)]),
    'general.name': text('Small Model'),
    'general.license': text('apache-2.0'),
    'general.file_type': u32(3),
    'llama.context_length': u32(8192),
    'general.long': text('x'.repeat(5000)),
  },
  tensors: { 'a.weight': [10, 20], 'b.weight': [7] },
}

describe('readGguf', () => {
  it('finds what the head says and counts the parameters', async () => {
    assert.deepEqual(await read(ggufFile(ordinary)), {
      architecture: 'llama',
      name: 'Small Model',
      license: 'apache-2.0',
      quantization: 'Q4_1',
      contextLength: 8192,
      parameterCount: 207,
    })
  })

  it('is content with a head that says little', async () => {
    assert.deepEqual(await read(ggufFile({ keys: {}, tensors: {} })), {})
  })

  it('reads a head that is longer than its window', async () => {
    const big = {
      ...ordinary.keys,
      'a.list': list(
        8,
        Array.from({ length: 100_000 }, (_, index) => text(`token ${index}`).payload),
      ),
    }
    const summary = await read(ggufFile({ keys: { ...big, 'general.name': text('after') }, tensors: ordinary.tensors }))
    assert.equal(summary.parameterCount, 207)
  })

  const hostile: Record<string, { bytes: Uint8Array; want: RegExp }> = {
    'is no GGUF': { bytes: Buffer.from('<html>no such file</html>'), want: /does not begin with GGUF/ },
    'is empty': { bytes: Buffer.alloc(0), want: /cut off/ },
    'has a version of the future': { bytes: Buffer.concat([Buffer.from('GGUF'), u32(9).payload]), want: /version is 9/ },
    'claims 2^60 keys': {
      bytes: Buffer.concat([Buffer.from('GGUF'), u32(3).payload, u64(0n).payload, u64(1n << 60n).payload]),
      want: /claims .* keys/,
    },
    'claims 2^60 tensors': {
      bytes: Buffer.concat([Buffer.from('GGUF'), u32(3).payload, u64(1n << 60n).payload, u64(0n).payload]),
      want: /claims .* tensors/,
    },
    'has a key of 2^40 bytes': {
      bytes: Buffer.concat([Buffer.from('GGUF'), u32(3).payload, u64(0n).payload, u64(1n).payload, u64(1n << 40n).payload]),
      want: /claims .* bytes of a text/,
    },
    'nests its lists without end': {
      bytes: ggufFile({
        keys: { a: list(9, [list(9, [list(9, [list(9, [list(9, []).payload]).payload]).payload]).payload]) },
        tensors: {},
      }),
      want: /nested too deep/,
    },
    'has a value of an unknown type': {
      bytes: ggufFile({ keys: { a: { type: 77, payload: Buffer.alloc(0) } }, tensors: {} }),
      want: /unknown type 77/,
    },
  }
  for (const [sentence, { bytes, want }] of Object.entries(hostile)) {
    it(`refuses a file that ${sentence}`, async () => {
      await assert.rejects(read(bytes), (error) => error instanceof WorkFailure && error.class === 'BadInput' && want.test(error.message))
    })
  }

  it('either reads or refuses whatever the bytes are', async () => {
    const whole = ggufFile(ordinary)
    const damaged = fc.tuple(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length)).map(([at, value, end]) => {
      const bytes = Buffer.from(whole)
      bytes[at] = value
      return bytes.subarray(0, Math.max(8, end))
    })
    const property = fc.asyncProperty(damaged, async (bytes) => {
      await read(bytes).catch((error: unknown) => assert.ok(error instanceof WorkFailure))
    })
    await fc.assert(property, { numRuns: 150 })
  })

  it('knows a GGUF by its first bytes', async () => {
    await writeFile(join(folder, 'file'), ggufFile(ordinary))
    assert.equal(await isGguf(join(folder, 'file')), true)
    await writeFile(join(folder, 'file'), 'GG')
    assert.equal(await isGguf(join(folder, 'file')), false)
  })
})
