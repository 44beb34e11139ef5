/**
 * What a terminal can show: colours, one line that is redrawn, and nothing of either where the output is a file.
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
  paint(colour: Colour, text: string): string
  readonly interactive: boolean
}

export interface TerminalOptions {
  readonly stdout: Writable
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly colour: boolean
}

/** A terminal over the two streams of a process. */
export function createTerminal({ stdout, stderr, colour }: TerminalOptions): Terminal {
  const interactive = stderr.isTTY === true
  let shown = ''
  let said = ''
  const erase = (): void => {
    if (shown !== '') stderr.write('\r\u001b[2K')
    shown = ''
  }
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
    paint: (name, text) => (colour && interactive ? `\u001b[${codes[name][0]}m${text}\u001b[${codes[name][1]}m` : text),
  }
}

function truncate(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
}
