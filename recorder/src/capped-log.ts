/**
 * A log of any length in bounded memory: its head and its tail, with a line between that says how much is left out.
 *
 * Guarantees: what is kept are whole lines, or whole characters of a line that is longer than everything, so it is UTF-8 when the log
 * is; a log that fits is kept byte by byte.
 */
const newline = 10

export class CappedLog {
  readonly #headBytes: number
  readonly #tailBytes: number
  readonly #head: Buffer[] = []
  #headLength = 0
  #tail: Buffer[] = []
  #tailLength = 0
  #total = 0

  constructor({ headBytes, tailBytes }: { readonly headBytes: number; readonly tailBytes: number }) {
    this.#headBytes = headBytes
    this.#tailBytes = tailBytes
  }

  /** Bytes that were appended, kept or not. */
  get total(): number {
    return this.#total
  }

  append(chunk: Buffer): void {
    this.#total += chunk.length
    const toHead = chunk.subarray(0, Math.max(0, this.#headBytes - this.#headLength))
    if (toHead.length > 0) {
      this.#head.push(toHead)
      this.#headLength += toHead.length
    }
    const toTail = chunk.subarray(toHead.length)
    if (toTail.length === 0) return
    this.#tail.push(toTail)
    this.#tailLength += toTail.length
    // Many small chunks are joined now and then, not each time.
    if (this.#tailLength > 2 * this.#tailBytes) this.#trim()
  }

  /** The log as it is kept. */
  bytes(): Buffer {
    this.#trim()
    const head = Buffer.concat(this.#head)
    const tail = Buffer.concat(this.#tail)
    if (head.length + tail.length === this.#total) return Buffer.concat([head, tail])
    const wholeHead = head.subarray(0, head.lastIndexOf(newline) + 1 || lastCharacter(head))
    const wholeTail = tail.subarray(tail.indexOf(newline) + 1 || firstCharacter(tail))
    const left = this.#total - wholeHead.length - wholeTail.length
    const lineEnd = wholeHead.length === 0 || wholeHead.at(-1) === newline ? '' : '\n'
    return Buffer.concat([wholeHead, Buffer.from(`${lineEnd}… ${left} bytes are left out here …\n`), wholeTail])
  }

  #trim(): void {
    if (this.#tailLength <= this.#tailBytes) return
    const all = Buffer.concat(this.#tail)
    this.#tail = [Buffer.from(all.subarray(all.length - this.#tailBytes))]
    this.#tailLength = this.#tailBytes
  }
}

const isWithinCharacter = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80

/** Where the last character begins: it may not be complete. */
function lastCharacter(bytes: Buffer): number {
  let at = Math.max(0, bytes.length - 1)
  while (at > 0 && isWithinCharacter(bytes[at])) at -= 1
  return at
}

function firstCharacter(bytes: Buffer): number {
  let at = 0
  while (isWithinCharacter(bytes[at])) at += 1
  return at
}
