/**
 * What the head of a GGUF file says about a model: its architecture, name, licence, quantization, context and parameter count.
 *
 * Reads keys and tensor shapes and never a tensor. The file may be hostile: every count and length is bounded, nothing is
 * allocated by what it claims, and at most `maxHeaderBytes` are read. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
import { open } from 'node:fs/promises'
import { WorkFailure } from '../failure.ts'

export interface GgufSummary {
  readonly architecture?: string
  readonly name?: string
  readonly license?: string
  readonly quantization?: string
  readonly contextLength?: number
  readonly parameterCount?: number
}

/** Bounds of a header; the vocabularies of today's largest models take some 20 MB. */
const maxHeaderBytes = 128 * 1024 * 1024
const maxKeys = 10_000
const maxTensors = 100_000
const maxKeyBytes = 65_535
const maxDepth = 4
/** Texts longer than that are no names; they are skipped. */
const maxTextBytes = 1024

/** `general.file_type` → the name that llama.cpp gives it (enum llama_ftype). */
const fileTypes: Readonly<Record<number, string>> = {
  0: 'F32',
  1: 'F16',
  2: 'Q4_0',
  3: 'Q4_1',
  7: 'Q8_0',
  8: 'Q5_0',
  9: 'Q5_1',
  10: 'Q2_K',
  11: 'Q3_K_S',
  12: 'Q3_K_M',
  13: 'Q3_K_L',
  14: 'Q4_K_S',
  15: 'Q4_K_M',
  16: 'Q5_K_S',
  17: 'Q5_K_M',
  18: 'Q6_K',
  19: 'IQ2_XXS',
  20: 'IQ2_XS',
  21: 'Q2_K_S',
  22: 'IQ3_XS',
  23: 'IQ3_XXS',
  24: 'IQ1_S',
  25: 'IQ4_NL',
  26: 'IQ3_S',
  27: 'IQ3_M',
  28: 'IQ2_S',
  29: 'IQ2_M',
  30: 'IQ4_XS',
  31: 'IQ1_M',
  32: 'BF16',
  36: 'TQ1_0',
  37: 'TQ2_0',
}

type Value = string | number | boolean | undefined

/** Whether the file begins as GGUF does. */
export async function isGguf(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(4), 0, 4, 0)
    return bytesRead === 4 && buffer.toString('latin1') === 'GGUF'
  } finally {
    await file.close()
  }
}

/** @throws WorkFailure BadInput when the header is no GGUF, is cut off, or exceeds a bound */
export async function readGguf(path: string): Promise<GgufSummary> {
  const file = await open(path)
  try {
    return await readHeader(
      new Reader((buffer, position) => file.read(buffer, 0, buffer.length, position).then(({ bytesRead }) => bytesRead)),
    )
  } finally {
    await file.close()
  }
}

async function readHeader(reader: Reader): Promise<GgufSummary> {
  if ((await reader.bytes(4)).toString('latin1') !== 'GGUF') throw malformed('it does not begin with GGUF')
  const version = await reader.uint32()
  if (version < 2 || version > 3) throw malformed(`its version is ${version}; known are 2 and 3`)
  const tensors = await reader.count('tensors', maxTensors)
  const keys = await reader.count('keys', maxKeys)
  const values = new Map<string, Value>()
  for (let index = 0; index < keys; index++) {
    const key = (await reader.text(maxKeyBytes)) ?? ''
    values.set(key, await readValue(reader, await reader.uint32(), 0))
  }
  return summaryOf(values, await countParameters(reader, tensors))
}

async function countParameters(reader: Reader, tensors: number): Promise<number> {
  let parameters = 0
  for (let index = 0; index < tensors; index++) {
    await reader.text(maxKeyBytes)
    const dimensions = await reader.uint32()
    if (dimensions > 8) throw malformed(`a tensor has ${dimensions} dimensions`)
    let size = 1
    for (let dimension = 0; dimension < dimensions; dimension++) size *= Number(await reader.uint64())
    parameters += size
    await reader.skip(4 + 8) // type and offset
  }
  return parameters
}

function summaryOf(values: ReadonlyMap<string, Value>, parameters: number): GgufSummary {
  const text = (key: string): string | undefined => {
    const value = values.get(key)
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const number = (key: string): number | undefined => {
    const value = values.get(key)
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
  }
  const architecture = text('general.architecture')
  const fileType = number('general.file_type')
  const quantization = fileType === undefined ? undefined : (fileTypes[fileType] ?? `type ${fileType}`)
  return definedOnly({
    architecture,
    name: text('general.name') ?? text('general.basename'),
    license: text('general.license'),
    quantization,
    contextLength: architecture === undefined ? undefined : number(`${architecture}.context_length`),
    parameterCount: Number.isSafeInteger(parameters) && parameters > 0 ? parameters : undefined,
  })
}

function definedOnly(of: { [Key in keyof GgufSummary]: GgufSummary[Key] | undefined }): GgufSummary {
  return Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined))
}

/** Sizes of the scalar types, by their number in the file; 8 is a text and 9 a list. */
const scalarBytes: readonly (number | undefined)[] = [1, 1, 2, 2, 4, 4, 4, 1, undefined, undefined, 8, 8, 8]

async function readValue(reader: Reader, type: number, depth: number): Promise<Value> {
  if (type === 8) return reader.text(maxTextBytes)
  if (type === 9) {
    await skipList(reader, depth)
    return undefined
  }
  const size = scalarBytes[type]
  if (size === undefined) throw malformed(`a value has the unknown type ${type}`)
  const bytes = await reader.bytes(size)
  if (type === 7) return bytes[0] !== 0
  if (type === 4) return bytes.readUInt32LE()
  if (type === 5) return bytes.readInt32LE()
  if (type === 10) return Number(bytes.readBigUInt64LE())
  if (type === 11) return Number(bytes.readBigInt64LE())
  return undefined
}

async function skipList(reader: Reader, depth: number): Promise<void> {
  if (depth >= maxDepth) throw malformed('its lists are nested too deep')
  const type = await reader.uint32()
  const length = await reader.count('elements of a list', maxHeaderBytes)
  const size = scalarBytes[type]
  if (size !== undefined) return reader.skip(length * size)
  // A text or a list in a list takes at least eight bytes, so the end of the file bounds the loop.
  for (let index = 0; index < length; index++) {
    if (type === 8) await reader.skip(await reader.count('bytes of a text', maxHeaderBytes))
    else await readValue(reader, type, depth + 1)
  }
}

/** Reads forward through a window of the file. */
class Reader {
  readonly #read: (buffer: Buffer, position: number) => Promise<number>
  #window: Buffer = Buffer.alloc(0)
  /** Where the window begins in the file. */
  #start = 0
  #position = 0

  constructor(read: (buffer: Buffer, position: number) => Promise<number>) {
    this.#read = read
  }

  async bytes(length: number): Promise<Buffer> {
    if (this.#position + length > maxHeaderBytes) throw malformed(`its header is longer than ${maxHeaderBytes} bytes`)
    if (this.#position + length > this.#start + this.#window.length) await this.#fill(length)
    const from = this.#position - this.#start
    this.#position += length
    return this.#window.subarray(from, from + length)
  }

  skip(length: number): Promise<void> {
    this.#position += length
    if (this.#position > maxHeaderBytes) return Promise.reject(malformed(`its header is longer than ${maxHeaderBytes} bytes`))
    return Promise.resolve()
  }

  async uint32(): Promise<number> {
    return (await this.bytes(4)).readUInt32LE()
  }

  async uint64(): Promise<bigint> {
    return (await this.bytes(8)).readBigUInt64LE()
  }

  async count(of: string, most: number): Promise<number> {
    const found = await this.uint64()
    if (found > BigInt(most)) throw malformed(`it claims ${found} ${of}; at most ${most} are read`)
    return Number(found)
  }

  /** A text, or undefined (skipped) when it is longer than `most` bytes. */
  async text(most: number): Promise<string | undefined> {
    const length = await this.count('bytes of a text', maxHeaderBytes)
    if (length > most) {
      await this.skip(length)
      return undefined
    }
    return (await this.bytes(length)).toString('utf8')
  }

  async #fill(length: number): Promise<void> {
    const wanted = Buffer.alloc(Math.max(length, 256 * 1024))
    const got = await this.#read(wanted, this.#position)
    if (got < length) throw malformed('it is cut off within its header')
    this.#window = wanted.subarray(0, got)
    this.#start = this.#position
  }
}

function malformed(why: string): WorkFailure {
  return new WorkFailure({
    class: 'BadInput',
    reason: 'MalformedModel',
    message: `The file is no GGUF model: ${why}.`,
    hint: 'Check that spec.source.uri names the model file itself.',
  })
}
