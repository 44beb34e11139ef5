/**
 * Reading a document of the older form: each value with its place, and every mistake collected with what to write instead.
 *
 * What is absent or null reads as undefined without a mistake; what has another shape reads as undefined with one.
 */
import { about, type Finding, type FindingCode, type Path, suggest } from '@mnemos/api'
import { fieldOf } from '../reading.ts'

/** A value, where it stands, and where mistakes go. */
export interface Place {
  readonly value: unknown
  readonly path: Path
  readonly mistakes: Finding[]
}

export interface Mistake {
  readonly code?: FindingCode
  readonly says: string
  readonly write: string
}

/** Notes a mistake. */
export function wrong({ path, mistakes }: Place, { code = 'invalid', says, write }: Mistake): void {
  mistakes.push(about(path, code, says, write))
}

/** Notes a mistake. @returns nothing to go on with */
export function none(place: Place, mistake: Mistake): never[] {
  wrong(place, mistake)
  return []
}

export function isAbsent({ value }: Place): boolean {
  return value === undefined || value === null
}

export function below({ value, path, mistakes }: Place, name: string): Place {
  return { value: fieldOf(value, name), path: [...path, name], mistakes }
}

export function readText(place: Place): string | undefined {
  if (isAbsent(place)) return undefined
  if (typeof place.value === 'string') return place.value
  wrong(place, { code: 'type', says: 'is no text', write: 'write a text, in quotes where it looks like a number' })
  return undefined
}

/** A whole number that is not negative. */
export function readCount(place: Place): number | undefined {
  if (isAbsent(place)) return undefined
  const { value } = place
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  wrong(place, { code: 'type', says: 'is no whole number', write: 'write a number such as 3' })
  return undefined
}

export function readItems(place: Place): readonly Place[] {
  if (isAbsent(place)) return []
  const { value, path, mistakes } = place
  if (Array.isArray(value)) return value.map((item: unknown, index) => ({ value: item, path: [...path, index], mistakes }))
  wrong(place, { code: 'type', says: 'is no list', write: 'write a list' })
  return []
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function readMembers(place: Place): readonly (readonly [name: string, member: Place])[] {
  if (isAbsent(place)) return []
  const { value, path, mistakes } = place
  if (isObject(value))
    return Object.entries(value).map(([name, member]: [string, unknown]) => [name, { value: member, path: [...path, name], mistakes }])
  wrong(place, { code: 'type', says: 'is no object', write: 'write fields with their values' })
  return []
}

/** Names every field that the form does not have. @param instead what to write for words that people may expect */
export function refuseOthers(place: Place, known: readonly string[], instead: Readonly<Record<string, string>> = {}): void {
  for (const [name, member] of readMembers(place)) {
    if (known.includes(name)) continue
    const meant = suggest(name, known)
    const asked = Object.hasOwn(instead, name) ? instead[name] : undefined
    const write = asked ?? (meant === undefined ? `use one of ${known.join(', ')}` : `did you mean "${meant}"?`)
    wrong(member, { code: 'unknownField', says: 'is no field of the older form', write })
  }
}

/** The one of two names of a field that is there. */
export function eitherOf(place: Place, first: string, second: string): Place {
  const [one, other] = [below(place, first), below(place, second)]
  if (isAbsent(other)) return one
  if (!isAbsent(one)) wrong(other, { code: 'duplicate', says: `says the same as ${first}`, write: 'keep one of the two' })
  return isAbsent(one) ? other : one
}

const durationParts = /^(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s?)?$/

/** Seconds: 90, "90s", "30m", "1h30m". */
export function readSeconds(place: Place): number | undefined {
  if (isAbsent(place)) return undefined
  const { value } = place
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value
  const [all, hours = '0', minutes = '0', seconds = '0'] = durationParts.exec(typeof value === 'string' ? value : '') ?? []
  const total = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
  if (all !== undefined && total > 0) return total
  wrong(place, { says: 'is no time', write: 'write seconds, or a text such as "90s", "30m", "1h30m"' })
  return undefined
}
