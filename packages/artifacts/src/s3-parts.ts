/** A stream of bytes as parts of one size, with a bound on how many uploads may hold parts in memory at once. */
import type { Readable } from 'node:stream'
import { ArtifactError } from './artifact-store.ts'

export interface Part {
  readonly bytes: Buffer
  readonly isLast: boolean
}

export interface Slots {
  take(): Promise<void>
  give(): void
}

/** @param count how many may be taken at once */
export function createSlots(count: number): Slots {
  let free = count
  const waiting: (() => void)[] = []
  return {
    take: async () => {
      if (free > 0) free -= 1
      else await new Promise<void>((resolve) => waiting.push(resolve))
    },
    give: () => {
      const next = waiting.shift()
      if (next === undefined) free += 1
      else next()
    },
  }
}

/** Small objects need no slot. */
const withoutSlotBytes = 1024 * 1024
/** S3 takes 10,000 parts: later ones are larger, so that an object may have half a tebibyte. */
const growsAfterParts = 1000
const growth = 8

export interface PartsOptions {
  readonly partBytes: number
  /** Longest pause of the source, in ms: it holds a slot. */
  readonly idleMs: number
  readonly slots: Slots
}

/** There is always a last part, which may be empty. @throws what the source throws, or ArtifactError `Unavailable` when it pauses for too long */
export async function* partsOf(source: Readable, { partBytes, idleMs, slots }: PartsOptions): AsyncGenerator<Part> {
  let held: Buffer[] = []
  let heldBytes = 0
  let parts = 0
  let hasSlot = false
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer> // streams of bytes have no encoding here
  try {
    for (;;) {
      const next = await within(chunks.next(), idleMs, 'the bytes stopped coming')
      if (next.done === true) break
      held.push(next.value)
      heldBytes += next.value.length
      if (!hasSlot && heldBytes > withoutSlotBytes) {
        await slots.take()
        hasSlot = true
      }
      for (let size = sizeOf(parts, partBytes); heldBytes > size; size = sizeOf(parts, partBytes)) {
        const whole = Buffer.concat(held, heldBytes)
        held = [whole.subarray(size)]
        heldBytes -= size
        parts += 1
        yield { bytes: whole.subarray(0, size), isLast: false }
      }
    }
    yield { bytes: Buffer.concat(held, heldBytes), isLast: true }
  } finally {
    if (hasSlot) slots.give()
    source.destroy()
  }
}

const sizeOf = (parts: number, partBytes: number): number => (parts < growsAfterParts ? partBytes : partBytes * growth)

/** @throws ArtifactError `Unavailable` when it takes too long */
export async function within<T>(promise: Promise<T>, ms: number, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new ArtifactError('Unavailable', `${message} for ${ms / 1000} s`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
