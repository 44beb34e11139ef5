/**
 * Patterns (ECMA-262) matched in time linear in the text, by RE2.
 *
 * Guarantees: a pattern either means here what it means in ECMA-262, or is a mistake that says why; no pattern makes
 * matching slow. What only a backtracking engine can do (look-around, backreferences) is refused.
 */
import { RE2JS } from 're2js'

export interface Pattern {
  readonly source: string
  /** Whether the pattern is found anywhere in the text. */
  matches(text: string): boolean
}

/** Why a pattern cannot be used. */
export interface PatternMistake {
  readonly mistake: string
}

const any = '\\x{0}-\\x{10FFFF}'
const spaces = '\\x{9}-\\x{d}\\x{20}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}'
const noSpaces =
  '\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}' +
  '\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}'

/** Long names of general categories; RE2 knows the short ones. */
const categories = new Map(
  Object.entries({
    ...{ Letter: 'L', Lowercase_Letter: 'Ll', Uppercase_Letter: 'Lu', Titlecase_Letter: 'Lt', Modifier_Letter: 'Lm', Other_Letter: 'Lo' },
    ...{ Mark: 'M', Nonspacing_Mark: 'Mn', Spacing_Mark: 'Mc', Enclosing_Mark: 'Me' },
    ...{ Number: 'N', Decimal_Number: 'Nd', digit: 'Nd', Letter_Number: 'Nl', Other_Number: 'No' },
    ...{ Punctuation: 'P', punct: 'P', Symbol: 'S', Separator: 'Z', Space_Separator: 'Zs', Other: 'C', Control: 'Cc', cntrl: 'Cc' },
  }),
)

/** Reads a pattern. @param maxLength in characters */
export function readPattern(source: string, maxLength: number): Pattern | PatternMistake {
  if (source.length > maxLength) return { mistake: `has ${source.length} characters and at most ${maxLength} are taken` }
  const unreadable = ecmaMistake(source)
  if (unreadable !== undefined) return { mistake: unreadable }
  const translated = new Translation(source).read()
  if (typeof translated !== 'string') return translated
  try {
    const compiled = RE2JS.compile(translated)
    return { source, matches: (text) => compiled.test(text) }
  } catch (error) {
    return { mistake: `cannot be matched in linear time: ${error instanceof Error ? error.message : 'refused'}` }
  }
}

/** Only reads: such an object never matches anything here. */
function ecmaMistake(source: string): string | undefined {
  for (const flag of ['u', '']) {
    try {
      new RegExp(source, flag)
      return undefined
    } catch {
      // The next flag may take it: needless escapes are fine without `u`.
    }
  }
  return 'is no regular expression of ECMA-262'
}

class Translation {
  #at = 0
  #out = ''
  readonly #source: string

  constructor(source: string) {
    this.#source = source
  }

  read(): string | PatternMistake {
    let isInClass = false
    while (this.#at < this.#source.length) {
      const char = this.#source[this.#at] ?? ''
      if (char === '\\') {
        const mistake = this.#escape(isInClass)
        if (mistake !== undefined) return { mistake }
      } else if (isInClass) {
        this.#at += 1
        this.#out += char === '[' ? '\\[' : char
        isInClass = char !== ']'
      } else if (char === '[') {
        isInClass = this.#openClass()
      } else if (char === '(') {
        const mistake = this.#group()
        if (mistake !== undefined) return { mistake }
      } else {
        this.#at += 1
        this.#out += char === '.' ? '[^\\n\\r\\x{2028}\\x{2029}]' : char
      }
    }
    return this.#out
  }

  #openClass(): boolean {
    for (const [text, meant] of [
      ['[^]', `[${any}]`],
      ['[]', `[^${any}]`],
    ] as const) {
      if (!this.#source.startsWith(text, this.#at)) continue
      this.#at += text.length
      this.#out += meant
      return false
    }
    const opening = this.#source.startsWith('[^', this.#at) ? '[^' : '['
    this.#at += opening.length
    this.#out += opening
    return true
  }

  #group(): string | undefined {
    const rest = this.#source.slice(this.#at, this.#at + 4)
    if (/^\(\?(=|!|<=|<!)/.test(rest)) return 'looks ahead or behind, which cannot be matched in linear time'
    if (rest.startsWith('(?') && !/^\(\?(:|<[^=!])/.test(rest)) return 'changes flags within the pattern, which is not understood here'
    this.#out += '('
    this.#at += 1
    return undefined
  }

  #escape(isInClass: boolean): string | undefined {
    const rest = this.#source.slice(this.#at)
    const letter = rest[1] ?? ''
    const take = (length: number, text: string): string | undefined => {
      this.#at += length
      this.#out += text
      return undefined
    }
    if (letter === 's') return take(2, isInClass ? spaces : `[${spaces}]`)
    if (letter === 'S') return take(2, isInClass ? noSpaces : `[${noSpaces}]`)
    if (letter === 'b' && isInClass) return take(2, '\\x{8}')
    if ('dDwWbBtnrfv'.includes(letter)) return take(2, `\\${letter}`)
    if (letter === 'u') return this.#unicode(rest)
    const hex = /^\\x([0-9a-fA-F]{2})/.exec(rest)
    if (hex !== null) return take(4, `\\x{${hex[1] ?? ''}}`)
    const control = /^\\c([a-zA-Z])/.exec(rest)
    if (control !== null) return take(3, `\\x{${((control[1] ?? '').charCodeAt(0) % 32).toString(16)}}`)
    const property = /^\\([pP])\{(?:(?:Script|sc|Script_Extensions|scx|General_Category|gc)=)?([A-Za-z_]+)\}/.exec(rest)
    if (property !== null) {
      const name = property[2] ?? ''
      return take(property[0].length, `\\${property[1] ?? ''}{${categories.get(name) ?? name}}`)
    }
    if (/^\\0(?![0-9])/.test(rest)) return take(2, '\\x{0}')
    if (/^\\([1-9]|k<)/.test(rest)) return 'refers back to a group, which cannot be matched in linear time'
    if (/^\\[a-zA-Z0-9]/.test(rest)) return `has the escape \\${letter}, which is not understood here`
    const point = rest.codePointAt(1) ?? 0
    return take(1 + String.fromCodePoint(point).length, `\\x{${point.toString(16)}}`)
  }

  #unicode(rest: string): string | undefined {
    const braces = /^\\u\{([0-9a-fA-F]+)\}/.exec(rest)
    const pair = /^\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})/.exec(rest)
    const plain = /^\\u([0-9a-fA-F]{4})/.exec(rest)
    const found = braces ?? pair ?? plain
    if (found === null) return 'has an escape \\u without four hex digits'
    const high = Number.parseInt(found[1] ?? '', 16)
    const point = pair === null || braces !== null ? high : (high - 0xd800) * 0x400 + Number.parseInt(pair[2] ?? '', 16) - 0xdc00 + 0x10000
    this.#at += found[0].length
    this.#out += `\\x{${point.toString(16)}}`
    return undefined
  }
}
