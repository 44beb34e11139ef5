/**
 * Every regular expression of the processes, held to taking time in proportion to the text: read from the sources, judged by what recheck
 * finds out about it, never by a clock. Row W3 of docs/security-cases.md.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkSync } from 'recheck'
import ts from 'typescript'

const root = join(import.meta.dirname, '..')
const folders = ['packages/*/src', 'operator/src', 'server/src', 'webhooks/src', 'worker/src', 'recorder/src']
/** What is not in proportion, or not known to be, and why that does no harm. */
const excused: Readonly<Record<string, string>> = {
  '/[-.]+$/': 'child-name.ts: of a name, which has 253 characters at most',
  '/-+$/': 'pool-names.ts: of a name',
  '/^-+|-+$/g': 'worker/src/config.ts: of the name of the host',
  '/^(found no matching overload|type mismatch|undeclared reference|unbound function|u?int overflow|\\w+ (divide|modulus) by zero)/':
    'cel-expression.ts: too long to find out; anchored, and one repetition alone',
  '/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g':
    'certificate-folder.ts: too long to find out; of a file of the administrator',
}

interface Found {
  readonly source: string
  readonly flags: string
  readonly at: string
}

function sourceFiles(): readonly string[] {
  const listed = execFileSync('git', ['ls-files', ...folders.map((folder) => `:(glob)${folder}/**/*.ts`)], { cwd: root, encoding: 'utf8' })
  return listed.split('\n').filter((file) => file !== '' && !/\.test(-kit)?\.ts$|\/gen\/|\/testing\/|test\.ts$/.test(file))
}

function literalsOf(file: string): readonly Found[] {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true)
  const found: Found[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf('/')
      const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1
      found.push({ source: node.text.slice(1, end), flags: node.text.slice(end + 1), at: `${file}:${line}` })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** Those that are put together when a module is loaded: only the formats of JSON Schema do that. */
async function constructed(): Promise<readonly Found[]> {
  const original = globalThis.RegExp
  const found: Found[] = []
  class Noted extends original {
    constructor(pattern: RegExp | string, flags?: string) {
      super(pattern, flags)
      found.push({ source: this.source, flags: this.flags, at: 'packages/json-schema/src/format.ts' })
    }
  }
  globalThis.RegExp = Noted as RegExpConstructor
  try {
    await import('../packages/json-schema/src/format.ts')
  } finally {
    globalThis.RegExp = original
  }
  return found
}

const literals = sourceFiles().flatMap(literalsOf)
const all = new Map([...literals, ...(await constructed())].map((found) => [`/${found.source}/${found.flags}`, found]))

test('no text makes one of our regular expressions slow', (t) => {
  const wrong: string[] = []
  for (const [text, { source, flags, at }] of all) {
    if (Object.hasOwn(excused, text)) continue
    const judged = checkSync(source, flags, { timeout: 20_000 })
    const how = judged.status === 'vulnerable' ? judged.complexity.summary : 'not known'
    if (judged.status !== 'safe') wrong.push(`${at}: ${text} is ${judged.status} (${how})`)
  }
  t.diagnostic(`${all.size} regular expressions, ${Object.keys(excused).length} excused`)
  assert.ok(all.size > 100, `only ${all.size} were found`)
  assert.deepEqual(wrong, [])
})

test('what is excused is still there', () => {
  assert.deepEqual(
    Object.keys(excused).filter((text) => !all.has(text)),
    [],
  )
})
