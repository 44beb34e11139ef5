/**
 * The formats of JSON Schema 2020-12 as checks of texts, each linear in the text. Unknown formats say nothing, and neither
 * does `idn-hostname`: its rules need tables of Unicode that are not here.
 */

export type FormatCheck = (text: string) => boolean

const leap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function isDate(text: string): boolean {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)
  if (parts === null || !isAscii(text)) return false
  const [year = 0, month = 0, day = 0] = parts.slice(1).map(Number)
  const days = (monthDays[month - 1] ?? 0) + (month === 2 && leap(year) ? 1 : 0)
  return day >= 1 && day <= days
}

function isTime(text: string): boolean {
  const parts = /^(\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:[zZ]|([+-])(\d{2}):(\d{2}))$/.exec(text)
  if (parts === null || !isAscii(text)) return false
  const [hour = 0, minute = 0, second = 0, offsetHour = 0, offsetMinute = 0] = [1, 2, 3, 5, 6].map((at) => Number(parts[at] ?? 0))
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return false
  if (second < 60) return true
  const sign = parts[4] === '-' ? 1 : -1
  const utc = (hour * 60 + minute + sign * (offsetHour * 60 + offsetMinute) + 2880) % 1440
  return utc === 23 * 60 + 59
}

function isDateTime(text: string): boolean {
  const [date = '', time = '', more] = text.split(/t/i)
  return more === undefined && isDate(date) && isTime(time)
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is asked for.
  return /^[\x00-\x7f]*$/.test(text)
}

function isDuration(text: string): boolean {
  if (/^P\d+W$/.test(text)) return true
  const parts = /^P((?:\d+Y(?:\d+M(?:\d+D)?)?|\d+M(?:\d+D)?|\d+D)?)(T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S))?$/.exec(text)
  return parts !== null && (parts[1] !== '' || parts[2] !== undefined)
}

function isHostname(text: string): boolean {
  if (text.length > 253) return false
  return text.split('.').every((label) => /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/.test(label))
}

function isIpv4(text: string): boolean {
  const parts = text.split('.')
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)
}

function isIpv6(text: string): boolean {
  if (!/^[0-9a-fA-F:.]+$/.test(text) || text.length > 45) return false
  const halves = text.split('::')
  if (halves.length > 2) return false
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')))
  const last = groups.at(-1)?.at(-1)
  const hasIpv4 = last?.includes('.') ?? false
  if (hasIpv4 && (last === undefined || !isIpv4(last))) return false
  const plain = hasIpv4 ? groups.flat().slice(0, -1) : groups.flat()
  const count = plain.length + (hasIpv4 ? 2 : 0)
  return plain.every((part) => /^[0-9a-fA-F]{1,4}$/.test(part)) && (halves.length === 2 ? count <= 7 : count === 8)
}

function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@')
  if (at < 1) return false
  const local = text.slice(0, at)
  const domain = text.slice(at + 1)
  const isLocal = /^"(?:[^"\\]|\\.)*"$/.test(local) || /^[^\s"(),:;<>@[\\\].]+(?:\.[^\s"(),:;<>@[\\\].]+)*$/u.test(local)
  if (!isLocal || local.length > 64) return false
  const literal = /^\[(?:IPv6:)?(.*)\]$/.exec(domain)
  if (literal !== null) return domain.startsWith('[IPv6:') ? isIpv6(literal[1] ?? '') : isIpv4(literal[1] ?? '')
  return isHostname(domain)
}

const percent = '%[0-9a-fA-F]{2}'
const unreserved = "[a-zA-Z0-9\\-._~!$&'()*+,;=:@]"
const segment = new RegExp(`^(?:${unreserved}|/|${percent})*$`)
const query = new RegExp(`^(?:${unreserved}|[/?]|${percent})*$`)
const userinfo = new RegExp(`^(?:[a-zA-Z0-9\\-._~!$&'()*+,;=:]|${percent})*$`)
const registeredName = new RegExp(`^(?:[a-zA-Z0-9\\-._~!$&'()*+,;=]|${percent})*$`)

function isUriReference(text: string): boolean {
  const parts = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text)
  if (parts === null) return false
  const [, scheme, authority, path = '', queryPart = '', fragment = ''] = parts
  if (scheme !== undefined && !/^[a-zA-Z][a-zA-Z0-9+.-]*$/.test(scheme)) return false
  if (scheme === undefined && authority === undefined && /^[^/]*:/.test(path)) return false
  return (authority === undefined || isAuthority(authority)) && segment.test(path) && query.test(queryPart) && query.test(fragment)
}

function isAuthority(text: string): boolean {
  const at = text.lastIndexOf('@')
  if (at >= 0 && !userinfo.test(text.slice(0, at))) return false
  const parts = /^(\[.*\]|[^:]*)(?::(\d*))?$/.exec(text.slice(at + 1))
  if (parts === null) return false
  const host = parts[1] ?? ''
  if (!host.startsWith('[')) return registeredName.test(host)
  const inner = host.slice(1, -1)
  return isIpv6(inner) || /^v[0-9a-fA-F]+\.[a-zA-Z0-9\-._~!$&'()*+,;=:]+$/.test(inner)
}

const hasScheme = (text: string): boolean => /^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(text)
/** Characters beyond ASCII stand for letters; private and control characters stay what they are. */
const iriAsUri = (text: string): string => text.replaceAll(/[\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef]|[\ud800-\udbff][\udc00-\udfff]/g, 'x')

function isUriTemplate(text: string): boolean {
  const variable = '(?:[a-zA-Z0-9_]|%[0-9a-fA-F]{2})+(?:\\.(?:[a-zA-Z0-9_]|%[0-9a-fA-F]{2})+)*(?::[1-9]\\d{0,3}|\\*)?'
  const expression = new RegExp(`^\\{[+#./;?&=,!@|]?${variable}(?:,${variable})*\\}$`)
  const pieces = text.split(/(\{[^{}]*\})/)
  return pieces.every((piece, at) =>
    at % 2 === 1 ? expression.test(piece) : !/[\s{}"'<>\\^`|]/.test(piece) && !/%(?![0-9a-fA-F]{2})/.test(piece),
  )
}

function isRegex(text: string): boolean {
  try {
    new RegExp(text, 'u')
    return true
  } catch {
    return false
  }
}

const isPointer = (text: string): boolean => /^(?:\/(?:[^~/]|~[01])*)*$/.test(text)

/** Every format that is checked, by name. */
export const formatChecks: ReadonlyMap<string, FormatCheck> = new Map<string, FormatCheck>([
  ['date-time', isDateTime],
  ['date', isDate],
  ['time', isTime],
  ['duration', isDuration],
  ['email', (text) => isAscii(text) && isEmail(text)],
  ['idn-email', (text) => /^[^@\s]+@[^@\s]+$/u.test(text)],
  ['hostname', isHostname],
  ['ipv4', isIpv4],
  ['ipv6', isIpv6],
  ['uri', (text) => hasScheme(text) && isUriReference(text)],
  ['uri-reference', isUriReference],
  ['iri', (text) => hasScheme(text) && isUriReference(iriAsUri(text))],
  ['iri-reference', (text) => isUriReference(iriAsUri(text))],
  ['uuid', (text) => /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/.test(text)],
  ['uri-template', isUriTemplate],
  ['json-pointer', isPointer],
  ['relative-json-pointer', (text) => /^(?:0|[1-9]\d*)(?:#|(?:\/(?:[^~/]|~[01])*)*)$/.test(text)],
  ['regex', isRegex],
])
