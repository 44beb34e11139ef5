/** Turns a line of a process' log (pino's JSON) into what is worth showing beside the others. Pure and total. */

export interface ShownLine {
  readonly severity: 'info' | 'warn' | 'error'
  readonly text: string
}

const warn = 40
const error = 50
const hidden = new Set(['level', 'time', 'pid', 'hostname', 'msg', 'name', 'err', 'stack'])

/** @returns undefined for an empty line */
export function readLogLine(line: string): ShownLine | undefined {
  if (line.trim() === '') return undefined
  const record = parse(line)
  if (record === undefined) return { severity: 'error', text: line }
  const level = typeof record['level'] === 'number' ? record['level'] : 30
  const fields = Object.entries(record).flatMap(([key, value]) => (hidden.has(key) ? [] : [`${key}=${brief(value)}`]))
  const cause = causeOf(record['err'])
  return {
    severity: level >= error ? 'error' : level >= warn ? 'warn' : 'info',
    text: [brief(record['msg'] ?? ''), ...fields, ...(cause === undefined ? [] : [`: ${cause}`])].join(' '),
  }
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    // pino writes one object a line; anything else has failed to parse or does not start with a brace.
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined
  }
}

function causeOf(err: unknown): string | undefined {
  return typeof err === 'object' && err !== null && 'message' in err && typeof err.message === 'string' ? err.message : undefined
}

function brief(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 160 ? `${text.slice(0, 159)}…` : text
}
