/**
 * Addresses in Chinese, Japanese and Korean: from the large to the small, each part named by its kind (市, 区, 路; 県, 町; 구, 로),
 * then numbers. Bounded: forty units back from the first number, twenty on.
 */
import { dense, digit, kindOf } from './letters.ts'
import type { Candidate, Scan } from './scan.ts'

const marks = new Uint8Array(0x10000)
/** Marks letters with a bit; what is given back tells whether a letter has it. */
const set = (letters: string, bit: number): { has: (code: number) => boolean } => {
  for (const letter of letters) marks[letter.charCodeAt(0)] = (marks[letter.charCodeAt(0)] ?? 0) | bit
  return { has: (code) => ((marks[code] ?? 0) & bit) !== 0 }
}
/** Regions and towns. */
const regions = set('都道府県省市区區县縣郡州시도구군', 1)
/** Streets, quarters, villages. */
const streets = set('町村目路街道巷弄里镇鎮乡鄉号號段内丘台通线線台로길동읍면리가', 2)
/** What may follow a number: block, house, floor, room. */
const afterNumber = set('丁目番地号號楼樓室栋棟单元層层階号호층동번지之弄巷段の', 4)
/** Words that lead up to an address and are no part of it. */
const leads = set('在是到为為は：:、，。寄送에로は', 8)
const reach = 40

/** The address whose first number is token `at`. */
export function denseAddressAt(scan: Scan, at: number): Candidate | undefined {
  const { tokens, reading } = scan
  const { codes } = reading
  const number = tokens.starts[at] ?? 0
  let before = number - 1
  if (codes[before] === 0x20) before -= 1
  if (before < 1 || kindOf(codes[before] ?? 0) !== dense) return undefined
  let region = -1
  let parts = 0
  let start = number
  for (let unit = before; unit >= scan.addressed && number - unit < reach; unit -= 1) {
    const code = codes[unit] ?? 0
    const kind = kindOf(code)
    if (kind !== dense && code !== 0x20 && kind !== digit && code !== 0x2d) break
    if (regions.has(code)) {
      parts += 1
      region = unit
    } else if (streets.has(code)) parts += 1
    if (kind === dense) start = unit
  }
  if (region < 0 || parts < 2 || (!streets.has(codes[before] ?? 0) && !hasHouseAfter(codes, tokens.ends[at] ?? 0) && parts < 3))
    return undefined
  for (let unit = start; unit < region - 1; unit += 1) if (leads.has(codes[unit] ?? 0)) start = unit + 1
  while (codes[start] === 0x20) start += 1
  return { entity: 'PostalAddress', start: withPostcode(codes, start), end: endAfter(scan, tokens.ends[at] ?? 0), score: 0.93 }
}

const hasHouseAfter = (codes: Uint16Array, end: number): boolean =>
  afterNumber.has(codes[end] ?? 0) || (codes[end] === 0x2d && kindOf(codes[end + 1] ?? 0) === digit)

function endAfter({ reading: { codes, length } }: Scan, from: number): number {
  let end = from
  for (let at = from; at < length && at < from + 20; at += 1) {
    const code = codes[at] ?? 0
    const isPart = kindOf(code) === digit || afterNumber.has(code)
    if (isPart) end = at + 1
    else if (code !== 0x2d && code !== 0x20) break
  }
  return end
}

/** 〒100-0001 and five or six digits before the region belong to the address. */
function withPostcode(codes: Uint16Array, start: number): number {
  let from = start
  if (codes[from - 1] === 0x20) from -= 1
  let digits = 0
  let at = from
  while (at > 0 && from - at < 9 && (kindOf(codes[at - 1] ?? 0) === digit || codes[at - 1] === 0x2d)) {
    at -= 1
    if (codes[at] !== 0x2d) digits += 1
  }
  if (digits < 5 || digits > 7) return start
  return codes[at - 1] === 0x3012 ? at - 1 : at
}
