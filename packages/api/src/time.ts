/** Times as the API writes them (RFC 3339, UTC) to and from milliseconds since 1970. Pure: nobody here asks what time it is. */

export function formatTime(ms: number): string {
  return new Date(ms).toISOString()
}

/** Undefined for a text that is absent or no time. */
export function parseTime(text: string | undefined): number | undefined {
  const ms = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(ms) ? undefined : ms
}
