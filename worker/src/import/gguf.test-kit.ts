/** Builds small GGUF files for tests, whole or as wrong as a test wants them. */

export interface GgufValue {
  readonly type: number
  readonly payload: Buffer
}

export const u32 = (value: number): GgufValue => {
  const payload = Buffer.alloc(4)
  payload.writeUInt32LE(value)
  return { type: 4, payload }
}

export const u64 = (value: bigint): GgufValue => {
  const payload = Buffer.alloc(8)
  payload.writeBigUInt64LE(value)
  return { type: 10, payload }
}

export const text = (value: string): GgufValue => {
  const bytes = Buffer.from(value)
  return { type: 8, payload: Buffer.concat([u64(BigInt(bytes.length)).payload, bytes]) }
}

/** @param type number of the elements' type: 6 float32, 8 text, 9 list */
export const list = (type: number, elements: readonly Buffer[]): GgufValue => ({
  type: 9,
  payload: Buffer.concat([u32(type).payload, u64(BigInt(elements.length)).payload, ...elements]),
})

/** @param of.tensors name → shape */
export function ggufFile(of: { keys: Readonly<Record<string, GgufValue>>; tensors: Readonly<Record<string, readonly number[]>> }): Buffer {
  const keys = Object.entries(of.keys).flatMap(([key, { type, payload }]) => [text(key).payload, u32(type).payload, payload])
  const tensors = Object.entries(of.tensors).flatMap(([name, shape]) => [
    text(name).payload,
    u32(shape.length).payload,
    ...shape.map((size) => u64(BigInt(size)).payload),
    u32(0).payload,
    u64(0n).payload,
  ])
  const head = [
    Buffer.from('GGUF'),
    u32(3).payload,
    u64(BigInt(Object.keys(of.tensors).length)).payload,
    u64(BigInt(Object.keys(of.keys).length)).payload,
  ]
  return Buffer.concat([...head, ...keys, ...tensors])
}
