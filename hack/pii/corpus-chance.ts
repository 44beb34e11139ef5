/** Chance that can be repeated. */

export interface Chance {
  /** A whole number from `low` to `high`. */
  int(low: number, high: number): number
  pick<T>(list: readonly T[]): T
  /** Each `#` becomes a digit, `?` a capital letter, `!` a digit from 2 to 9. */
  form(pattern: string): string
}

/** Chance from a seed. */
export function chanceOf(seed: string): Chance {
  let state = Array.from(seed).reduce((hash, letter) => (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0, 17)
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  const int = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1))
  return {
    int,
    pick: (list) => {
      const picked = list[int(0, list.length - 1)]
      if (picked === undefined) throw new RangeError('nothing to pick from')
      return picked
    },
    form: (pattern) =>
      pattern.replace(/[#?!]/g, (sign) =>
        sign === '#' ? String(int(0, 9)) : sign === '!' ? String(int(2, 9)) : String.fromCharCode(int(65, 90)),
      ),
  }
}
