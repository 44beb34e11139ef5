/**
 * Output formats with kubectl's meanings: a table, `wide`, `name`, `json`, `yaml`.
 *
 * Guarantees that `json` and `yaml` print the objects as the API returned them, so that scripts see the documented fields,
 * and that a table stays plain text. Knows no kind: the columns come in as values.
 */
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'

export const outputFormats = ['table', 'wide', 'name', 'json', 'yaml'] as const
export type OutputFormat = (typeof outputFormats)[number]

export interface Column<T> {
  readonly title: string
  readonly of: (item: T) => string
  /** Shown only with `-o wide`. */
  readonly wide?: boolean
}

export interface Listing<T> {
  readonly items: readonly T[]
  readonly columns: readonly Column<T>[]
  /** What `-o name` prints for an item, e.g. `mnemosjob.mnemos.dev/x`. */
  readonly name: (item: T) => string
  /** Said instead of an empty table. */
  readonly empty: string
}

/** @throws CliError for a format that does not exist */
export function parseFormat(value: string | undefined): OutputFormat {
  const format = outputFormats.find((known) => known === (value ?? 'table'))
  if (format !== undefined) return format
  throw new CliError(`--output ${value ?? ''} is no format; choose one of ${outputFormats.slice(1).join(', ')}`, {
    code: 'MNEMOS_USAGE',
    exitCode: exitCodes.usage,
  })
}

/** The text of a list; `json` and `yaml` wrap it in `{items}`. */
export async function renderList<T>(listing: Listing<T>, format: OutputFormat): Promise<string> {
  if (format === 'json' || format === 'yaml') return renderObject({ items: listing.items }, format)
  if (format === 'name') return listing.items.map((item) => `${listing.name(item)}\n`).join('')
  if (listing.items.length === 0) return `${listing.empty}\n`
  return table(listing, format === 'wide')
}

/** One object as JSON or YAML. */
export async function renderObject(object: unknown, format: 'json' | 'yaml'): Promise<string> {
  if (format === 'json') return `${JSON.stringify(object, null, 2)}\n`
  const { stringify } = await import('yaml')
  return stringify(object, { version: '1.1', lineWidth: 0 })
}

function table<T>(listing: Listing<T>, wide: boolean): string {
  const columns = listing.columns.filter((column) => wide || column.wide !== true)
  const rows = [columns.map(({ title }) => title), ...listing.items.map((item) => columns.map(({ of }) => of(item) || '-'))]
  const widths = columns.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)))
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, index) => cell.padEnd(widths[index] ?? 0))
          .join('   ')
          .trimEnd()}\n`,
    )
    .join('')
}

/** A span as kubectl writes it: `42s`, `7m30s`, `3h`, `2d`. */
export function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`
  if (minutes < 180) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`
}

/** A size as people read it: `97.9 MB`. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${units[unit] ?? ''}`
}

/** A bar of `width` cells, e.g. `████████░░░░`. */
export function bar(percent: number, width = 24): string {
  const full = Math.round((Math.min(100, Math.max(0, percent)) / 100) * width)
  return `${'█'.repeat(full)}${'░'.repeat(width - full)}`
}
