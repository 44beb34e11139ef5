/** Patterns of policies in which `*` stands for any run of characters. Linear in the text, whatever the pattern. */

/** A pattern, ready to be asked. */
export type Wildcard = (text: string) => boolean

/** Compares whole texts, by their case. */
export function wildcard(pattern: string): Wildcard {
  const [first = '', ...others] = pattern.split('*')
  const last = others.pop()
  if (last === undefined) return (text) => text === pattern
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false
    const end = text.length - last.length
    let from = first.length
    // The leftmost place of each part leaves the most room for the others, so there is nothing to try twice.
    for (const part of others) {
      const at = text.indexOf(part, from)
      if (at < 0 || at + part.length > end) return false
      from = at + part.length
    }
    return true
  }
}

/** Whether one of the patterns matches. */
export function anyWildcard(patterns: readonly string[]): Wildcard {
  const compiled = patterns.map(wildcard)
  return (text) => compiled.some((matches) => matches(text))
}
