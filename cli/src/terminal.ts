/**
 * What a terminal can show: colours, lines that are redrawn in place, and nothing of either where the output is a file.
 *
 * Guarantees: data goes to stdout, everything for people to stderr; without a TTY no escape byte is written.
 */
import type { Writable } from 'node:stream'

export type Colour = 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'grey' | 'bold'

const codes: Readonly<Record<Colour, readonly [number, number]>> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
  grey: [90, 39],
  bold: [1, 22],
}

export interface Terminal {
  /** Data: what a pipe would read. Written as it is, no newline added. */
  write(text: string): void
  /** A line for people, on stderr. */
  say(line: string): void
  /** Replaces the last status line (a TTY), or writes it once when it changed (no TTY and `lasting`). */
  status(line: string, options?: { lasting?: boolean }): void
  /** Removes the status line. */
  clearStatus(): void
  /** Shows lines in place of those that were drawn before (a TTY only). What is written afterwards comes below them. */
  draw(lines: readonly string[]): void
  readonly paint: (colour: Colour, text: string) => string
  /** Colours of what goes to stdout. */
  readonly paintData: (colour: Colour, text: string) => string
  readonly interactive: boolean
  /** Size of the terminal at stderr now. */
  size(): { readonly columns: number; readonly rows: number }
  /** Characters in a line of stdout now; no limit when it is a file. */
  dataColumns(): number
}

type TerminalStream = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number }

export interface TerminalOptions {
  readonly stdout: TerminalStream
  readonly stderr: TerminalStream
  readonly colour: boolean
}

/** A terminal over the two streams of a process. */
export function createTerminal({ stdout, stderr, colour }: TerminalOptions): Terminal {
  const interactive = stderr.isTTY === true
  let shown = ''
  let said = ''
  let drawn = 0
  const erase = (): void => {
    if (shown !== '') stderr.write('\r\u001b[2K')
    shown = ''
    drawn = 0
  }
  const painted = (isShown: boolean, name: Colour, text: string): string =>
    colour && isShown ? `\u001b[${codes[name][0]}m${text}\u001b[${codes[name][1]}m` : text
  return {
    interactive,
    write: (text) => {
      erase()
      stdout.write(text)
    },
    say: (line) => {
      const again = shown
      erase()
      stderr.write(`${line}\n`)
      if (again !== '') {
        shown = again
        stderr.write(again)
      }
    },
    status: (line, { lasting = false } = {}) => {
      if (!interactive) {
        if (lasting && line !== said) stderr.write(`${line}\n`)
        said = line
        return
      }
      const cut = truncate(line, (stderr.columns ?? 80) - 1)
      if (cut === shown) return
      erase()
      shown = cut
      stderr.write(cut)
    },
    clearStatus: erase,
    draw: (lines) => {
      if (!interactive) return
      const up = drawn === 0 ? '' : `\u001b[${drawn}A`
      // Line by line over what stands there, without wrapping: nothing flickers, and no long line makes two.
      stderr.write(`\u001b[?7l\r${up}${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J\u001b[?7h`)
      drawn = lines.length
    },
    paint: (name, text) => painted(interactive, name, text),
    paintData: (name, text) => painted(stdout.isTTY === true, name, text),
    size: () => ({ columns: stderr.columns ?? 80, rows: stderr.rows ?? 24 }),
    dataColumns: () => (stdout.isTTY === true ? (stdout.columns ?? 80) : Number.POSITIVE_INFINITY),
  }
}

function truncate(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
}
