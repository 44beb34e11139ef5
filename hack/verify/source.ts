/** The source files that git tracks or would track, and what each imports. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface Import {
  readonly specifier: string
  readonly kind: 'value' | 'type' | 'dynamic'
}

/** Tracked and untracked (not ignored) files of the checkout that match the pattern and exist. */
export function sourceFiles(pattern: RegExp): string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
  return [...new Set(listed.split('\n'))].filter((path) => pattern.test(path) && readable(path)).sort()
}

function readable(path: string): boolean {
  try {
    readFileSync(path)
    return true
  } catch {
    return false
  }
}

const statement = /^\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm
const dynamic = /\bimport\(\s*'([^']+)'/g

/** The modules that a TypeScript text names in import and export statements and in `import()`. */
export function importsOf(text: string): Import[] {
  const found: Import[] = []
  for (const [, type, specifier = ''] of text.matchAll(statement)) found.push({ specifier, kind: type === undefined ? 'value' : 'type' })
  for (const [, specifier = ''] of text.matchAll(dynamic)) found.push({ specifier, kind: 'dynamic' })
  return found
}
