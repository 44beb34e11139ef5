/**
 * What a UTF-16 unit counts as. Tables are filled on first sight of a unit, so that loading costs nothing and a text costs
 * one look-up for each of its units.
 *
 * `standIn` undoes disguises: full-width and foreign digits, dashes and spaces of every kind, characters without width.
 */

/** The unit has no width of its own (joiners, marks, direction signs) and is left out of what is read. */
export const nothing = 0xffff

const unknown = 0
const standIns = new Uint16Array(0x10000)

/** The plain unit that stands for this one; itself when nothing does, {@link nothing} when it is not to be read at all. */
export function standIn(code: number): number {
  const known = standIns[code] ?? unknown
  if (known !== unknown) return known
  const found = plainUnit(code)
  standIns[code] = found
  return found
}

const special = new Map<number, number>([
  ...[0x00b7, 0x2022, 0x2027, 0x2219, 0x22c5, 0x3002, 0xff61, 0x30fb].map((code) => [code, 0x2e] as const),
  ...[0x2044, 0x2215, 0x29f8].map((code) => [code, 0x2f] as const),
  ...[0x2236, 0xa789, 0x02d0].map((code) => [code, 0x3a] as const),
  ...[0x2018, 0x2019, 0x02bc].map((code) => [code, 0x27] as const),
  ...[0x2212, 0x02d7, 0x00ad].map((code) => [code, 0x2d] as const),
  ...[0x2028, 0x2029].map((code) => [code, 0x0a] as const),
  // Ordinals and the long vowel of kana are letters of their words, not disguises.
  ...[0x00aa, 0x00ba, 0x00b2, 0x00b3, 0x00b9, 0x30fc].map((code) => [code, code] as const),
  [0x00ad, nothing],
])

function plainUnit(code: number): number {
  if (code < 0x80) return code === 0 ? 0x20 : code
  const fixed = special.get(code)
  if (fixed !== undefined) return fixed
  if (code >= 0xd800 && code <= 0xdfff) return code
  const character = String.fromCharCode(code)
  if (/[\p{Cf}\p{Mn}\p{Me}]/u.test(character)) return nothing
  if (/\p{Nd}/u.test(character)) return 0x30 + digitValue(code)
  if (/\p{Pd}/u.test(character)) return 0x2d
  if (/\p{Zs}/u.test(character)) return 0x20
  const compatible = character.normalize('NFKC')
  return compatible.length === 1 && compatible.charCodeAt(0) < 0x80 ? compatible.charCodeAt(0) : code
}

/** Decimal digits of a script are ten in a row; a digit's value is how many of its script stand before it. */
function digitValue(code: number): number {
  let value = 0
  while (value < 9 && /\p{Nd}/u.test(String.fromCharCode(code - value - 1))) value += 1
  return value
}

/** Kinds of units, as bits. */
export const digit = 1
export const upper = 2
export const lower = 4
/** Of a script that writes no spaces between words. */
export const dense = 8
const none = 16

const kinds = new Uint8Array(0x10000)

/** One of {@link digit}, {@link upper}, {@link lower}, {@link dense}; 0 for what belongs to no word. */
export function kindOf(code: number): number {
  const known = kinds[code] ?? 0
  if (known !== 0) return known === none ? 0 : known
  const found = kindFound(code)
  kinds[code] = found === 0 ? none : found
  return found
}

function kindFound(code: number): number {
  if (code >= 0x30 && code <= 0x39) return digit
  if (code >= 0x41 && code <= 0x5a) return upper
  if (code >= 0x61 && code <= 0x7a) return lower
  if (code < 0xaa || (code >= 0xd800 && code <= 0xdfff)) return 0
  const character = String.fromCharCode(code)
  if (/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u.test(character) || code === 0x30fc) return dense
  if (!/\p{L}/u.test(character)) return 0
  return /\p{Lu}/u.test(character) ? upper : lower
}

const bases = new Uint16Array(0x10000)
const strokes: Readonly<Record<string, string>> = { ß: 's', ł: 'l', ø: 'o', đ: 'd', ı: 'i', æ: 'a', œ: 'o' }

/** The small letter without its accents, for looking words up. */
export function baseLetter(code: number): number {
  if (code < 0x80) return code >= 0x41 && code <= 0x5a ? code | 0x20 : code
  const known = bases[code] ?? 0
  if (known !== 0) return known
  const small = String.fromCharCode(code).toLowerCase()
  const base = (strokes[small] ?? small.normalize('NFD')).charCodeAt(0)
  bases[code] = base
  return base
}

const cyrillic = 'АВЕКМНОРСТХУІЅЈ'
const greek = 'ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ'
const lookAlikes = new Map<number, number>(
  [
    [cyrillic, 'ABEKMHOPCTXYISJ'],
    [greek, 'ABEZHIKMNOPTYX'],
  ].flatMap(([from = '', to = '']) => Array.from(from).map((letter, at) => [letter.charCodeAt(0), to.charCodeAt(at)] as const)),
)

/** Capital Latin letter or digit that this unit is or looks like; 0 for anything else. */
export function capital(code: number): number {
  if ((code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a)) return code
  if (code >= 0x61 && code <= 0x7a) return code - 0x20
  return code < 0x80 ? 0 : (lookAlikes.get(code) ?? 0)
}
