/**
 * Ways to write personal data so that a program may miss it, and how much of it is found all the same: each labelled value of the held-out
 * half is written so, in its own sentence, and the real finder is asked.
 */
import { findPii, findPiiInJson, type PiiEntity, piiEntityNames } from '@mnemos/pii'
import { type Case, casesOf } from './corpus.ts'

const digits = (zero: number) => (text: string) => text.replace(/[0-9]/g, (digit) => String.fromCodePoint(zero + Number(digit)))
const lookalikes: Readonly<Record<string, string>> = {
  a: 'а',
  e: 'е',
  o: 'о',
  p: 'р',
  c: 'с',
  x: 'х',
  A: 'А',
  E: 'Е',
  B: 'В',
  C: 'С',
  T: 'Т',
  M: 'М',
  H: 'Н',
  K: 'К',
  P: 'Р',
}
const words = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine']

export interface Disguise {
  readonly name: string
  readonly write: (value: string) => string
  /** The sentence stands in a JSON document, where it is looked for. */
  readonly json?: boolean
}

const asItIs = 'nothing special'

export const disguises: readonly Disguise[] = [
  { name: asItIs, write: (text) => text },
  { name: 'full-width digits', write: digits(0xff10) },
  { name: 'Arabic-Indic digits', write: digits(0x0660) },
  { name: 'Devanagari digits', write: digits(0x0966) },
  { name: 'mathematical digits', write: digits(0x1d7ce) },
  { name: 'a character without width after each third', write: (text) => text.replace(/(...)/g, '$1\u200b') },
  { name: 'soft hyphens', write: (text) => text.replace(/([0-9a-z]{2})/g, '$1\u00ad') },
  { name: 'spaces without break', write: (text) => text.replaceAll(' ', '\u00a0') },
  { name: 'figure dashes and en dashes', write: (text) => text.replace(/-/g, '\u2012') },
  { name: 'full-width @, dots and colons', write: (text) => text.replaceAll('@', '＠').replaceAll('.', '．').replaceAll(':', '：') },
  {
    name: 'Cyrillic letters that look Latin',
    write: (text) => text.replace(/[aeopcxAEBCTMHKP]/g, (letter) => lookalikes[letter] ?? letter),
  },
  { name: 'capitals', write: (text) => text.toUpperCase() },
  {
    name: 'escapes in JSON',
    write: (text) => text.replace(/[0-9@]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`),
    json: true,
  },
  { name: 'HTML entities', write: (text) => text.replace(/[0-9@]/g, (char) => `&#${char.charCodeAt(0)};`) },
  { name: 'percent escapes', write: (text) => encodeURIComponent(text).replaceAll('.', '%2E') },
  { name: '(at) and (dot)', write: (text) => text.replaceAll('@', ' (at) ').replaceAll('.', ' (dot) ') },
  { name: 'digits in words', write: (text) => text.replace(/[0-9]/g, (digit) => ` ${words[Number(digit)] ?? ''} `) },
  { name: 'a space between all characters', write: (text) => Array.from(text).join(' ') },
  { name: 'backwards', write: (text) => Array.from(text).reverse().join('') },
  { name: 'base64', write: (text) => Buffer.from(text).toString('base64') },
]

/** The share of the values of a kind that is found; undefined when the disguise changes none of them. */
export function recallOf(disguise: Disguise, entity: PiiEntity, cases: readonly Case[]): number | undefined {
  const tried = cases.flatMap((each) => (each.entity === entity && each.spans.length === 1 ? tryOn(disguise, each) : []))
  return tried.length === 0 ? undefined : tried.filter((isFound) => isFound).length / tried.length
}

/** Whether anything of the kind is found where the value stands; nothing when the value looks the same. */
function tryOn({ name, write, json = false }: Disguise, { entity, text, spans: [[start, end] = [0, 0]] }: Case): readonly boolean[] {
  const value = text.slice(start, end)
  const written = write(value)
  if (written === value && name !== asItIs) return []
  const sentence = text.slice(0, start) + written + text.slice(end)
  if (json) {
    const [before, within, after] = [text.slice(0, start), value, text.slice(end)].map((part) => JSON.stringify(part).slice(1, -1))
    return [
      findPiiInJson(JSON.parse(`{"text":"${before ?? ''}${write(within ?? '')}${after ?? ''}"}`)).some((match) => match.entity === entity),
    ]
  }
  return [findPii(sentence, [entity]).some((match) => match.start < start + written.length && start < match.end)]
}

/** The table of docs/pii.md: percent found. */
export function disguiseTable(): string {
  const cases = casesOf('held-out')
  const shown = (share: number | undefined): string => (share === undefined ? '' : `${Math.round(share * 100)}`)
  return [
    `| Written with | ${piiEntityNames.join(' | ')} |`,
    `|---|${piiEntityNames.map(() => '---|').join('')}`,
    ...disguises.map(
      (disguise) => `| ${disguise.name} | ${piiEntityNames.map((entity) => shown(recallOf(disguise, entity, cases))).join(' | ')} |`,
    ),
  ].join('\n')
}
