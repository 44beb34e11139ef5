/** International bank account numbers: length by country (IBAN registry) and the check of ISO 7064 (97, 10). */
import { capital, kindOf } from './letters.ts'
import { type Candidate, type Scan, saidWithin } from './scan.ts'
import { says } from './vocabulary.ts'

const registry =
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IR26 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
const lengths = new Map(
  registry.split(' ').map((entry) => [entry.charCodeAt(0) * 128 + entry.charCodeAt(1), Number(entry.slice(2))] as const),
)

/** The number that begins with token `at`: in one piece, or in groups with one space or dash between. */
export function ibanAt(scan: Scan, at: number): Candidate | undefined {
  const { tokens, reading } = scan
  const { codes, length } = reading
  const start = tokens.starts[at] ?? 0
  const first = capital(codes[start] ?? 0)
  const second = capital(codes[start + 1] ?? 0)
  const wanted = lengths.get(first * 128 + second)
  if (wanted === undefined) return undefined
  if (start > 0 && (codes[start - 1] === 0x5f || codes[start - 1] === 0x2d)) return undefined
  let remainder = 0
  let seen = 0
  let here = start
  let gaps = 0
  for (; here < length && seen < wanted; here += 1) {
    const letter = capital(codes[here] ?? 0)
    if (letter === 0) {
      const code = codes[here]
      if ((code !== 0x20 && code !== 0x2d && code !== 0x2e) || capital(codes[here + 1] ?? 0) === 0) return undefined
      gaps += 1
      // Sparse letters are words, not groups.
      if (gaps > 12) return undefined
      continue
    }
    if ((seen === 2 || seen === 3) && letter >= 0x41) return undefined
    // The country and the check digits count last; their part is added after the loop.
    if (seen >= 4) remainder = shifted(remainder, letter)
    seen += 1
  }
  if (seen < wanted) return undefined
  remainder = shifted(shifted(remainder, first), second)
  for (let back = start + 2, counted = 0; counted < 2; back += 1) {
    const letter = capital(codes[back] ?? 0)
    if (letter === 0) continue
    remainder = shifted(remainder, letter)
    counted += 1
  }
  if (remainder !== 1 || (here < length && ((kindOf(codes[here] ?? 0) & 7) !== 0 || codes[here] === 0x5f))) return undefined
  if (gaps > 0 && (codes[start] ?? 0) >= 0x61 && (codes[start] ?? 0) <= 0x7a && !saidWithin(scan, says.iban, start, 60)) return undefined
  return { entity: 'IBAN', start, end: here, score: 0.99 }
}

const shifted = (remainder: number, letter: number): number =>
  letter >= 0x41 ? (remainder * 100 + letter - 0x37) % 97 : (remainder * 10 + letter - 0x30) % 97
