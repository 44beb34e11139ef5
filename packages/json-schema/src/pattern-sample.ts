/**
 * Texts that a pattern matches, a few of many: enough to build documents for counter-examples.
 *
 * Understands the common part of ECMA-262; what it makes is a guess that is checked by the pattern itself, so a pattern
 * that is beyond it only yields nothing.
 */
import type { Pattern } from './pattern.ts'

const maxRepeats = 64
const variants = 8

/** Up to eight different texts that match. */
export function samplesOf(pattern: Pattern): readonly string[] {
  const found = new Set<string>()
  for (let variant = 0; variant < variants; variant += 1) {
    const text = new Sampler(pattern.source, variant).alternatives()
    if (pattern.matches(text)) found.add(text)
  }
  return [...found]
}

class Sampler {
  #at = 0
  readonly #source: string
  readonly #variant: number

  constructor(source: string, variant: number) {
    this.#source = source
    this.#variant = variant
  }

  alternatives(): string {
    const all = [this.#sequence()]
    while (this.#source[this.#at] === '|') {
      this.#at += 1
      all.push(this.#sequence())
    }
    return all[this.#variant % all.length] ?? ''
  }

  #sequence(): string {
    let text = ''
    while (this.#at < this.#source.length && !'|)'.includes(this.#source[this.#at] ?? '')) {
      const one = this.#atom()
      text += one.repeat(this.#repeats())
      if (text.length > 4096) return text
    }
    return text
  }

  #repeats(): number {
    const rest = this.#source.slice(this.#at)
    const counted = /^(?:([*+?])|\{(\d+)(,(\d*))?\})\??/.exec(rest)
    if (counted === null) return 1
    this.#at += counted[0].length
    const [, sign, min, comma, max] = counted
    const fewest = sign === undefined ? Number(min) : sign === '+' ? 1 : 0
    const greatest =
      sign === '?'
        ? 1
        : sign !== undefined || (comma !== undefined && (max ?? '') === '')
          ? fewest + 2
          : comma === undefined
            ? fewest
            : Number(max)
    return Math.min(maxRepeats, this.#variant < 4 ? Math.min(greatest, fewest + (this.#variant % 2)) : greatest)
  }

  #atom(): string {
    const char = this.#source[this.#at] ?? ''
    this.#at += 1
    if (char === '^' || char === '$') return ''
    if (char === '.') return 'a'
    if (char === '[') return this.#class()
    if (char === '\\') return this.#escape()
    if (char !== '(') return char
    const intro = /^\?(?::|<\w+>)/.exec(this.#source.slice(this.#at))
    this.#at += intro?.[0].length ?? 0
    const text = this.alternatives()
    this.#at += 1
    return text
  }

  #escape(): string {
    const letter = this.#source[this.#at] ?? ''
    this.#at += 1
    const of: Record<string, string> = { d: '0', w: 'a', s: ' ', D: 'a', W: '-', S: 'a', b: '', B: '', n: '\n', t: '\t', r: '\r' }
    return Object.hasOwn(of, letter) ? (of[letter] ?? '') : letter
  }

  #class(): string {
    const isNegated = this.#source[this.#at] === '^'
    if (isNegated) this.#at += 1
    const chars: string[] = []
    while (this.#at < this.#source.length && this.#source[this.#at] !== ']') {
      const char = this.#source[this.#at] ?? ''
      this.#at += 1
      const one = char === '\\' ? this.#escape() : char
      const isRange = this.#source[this.#at] === '-' && (this.#source[this.#at + 1] ?? ']') !== ']'
      if (!isRange) {
        chars.push(one)
        continue
      }
      const last = this.#source[this.#at + 1] ?? one
      this.#at += 2
      chars.push(one, last, String.fromCharCode(Math.floor((one.charCodeAt(0) + last.charCodeAt(0)) / 2)))
    }
    this.#at += 1
    if (!isNegated) return chars[this.#variant % Math.max(1, chars.length)] ?? ''
    return ['a', 'Z', '0', '_', ' ', '~'].find((char) => !chars.includes(char)) ?? '\u00e9'
  }
}
