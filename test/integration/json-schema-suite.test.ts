/** The official test suite of JSON Schema 2020-12 against our evaluator. What is left out is named here, with the reason. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { before, test } from 'node:test'
import { type CompileOptions, compileSchema, evaluate } from '@mnemos/json-schema'
import { ensureJsonSchemaSuite } from '../../hack/json-schema-suite.ts'

const leftOut: Readonly<Record<string, string>> = {
  'vocabulary.json': 'one dialect only: another `$schema` is refused by name',
  'optional/cross-draft.json': 'the same',
  'optional/format-assertion.json': 'the same',
  'optional/dependencies-compatibility.json': '`dependencies` is a keyword of older drafts; it is noted as one that has no effect',
  'optional/format/idn-hostname.json': 'needs tables of Unicode; the format only annotates',
}

interface Group {
  readonly description: string
  readonly schema: unknown
  readonly tests: readonly { readonly description: string; readonly data: unknown; readonly valid: boolean }[]
}

const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))
let folder = ''
let documents: Record<string, unknown> = {}

before(async () => {
  folder = await ensureJsonSchemaSuite()
  const remotes = globSync('**/*.json', { cwd: join(folder, 'remotes') })
  // Where ajv keeps the documents of the dialect; it is only read.
  const ajv = join(dirname(createRequire(join(import.meta.dirname, '../../packages/json-schema/package.json')).resolve('ajv')), '..')
  const dialects = globSync('dist/refs/json-schema-2020-12/**/*.json', { cwd: ajv }).map((path) => json(join(ajv, path)))
  documents = Object.fromEntries([
    ...remotes.map((path) => [`http://localhost:1234/${path}`, json(join(folder, 'remotes', path))]),
    ...dialects.map((document) => [(document as { $id: string }).$id, document]),
  ]) as Record<string, unknown>
})

const levels: Record<string, { pattern: string; options: CompileOptions; wantAtLeast: number }> = {
  'the required part': { pattern: '*.json', options: {}, wantAtLeast: 1250 },
  'the optional part': { pattern: 'optional/*.json', options: {}, wantAtLeast: 110 },
  'formats as assertions': { pattern: 'optional/format/*.json', options: { formats: 'assert' }, wantAtLeast: 400 },
}

for (const [sentence, { pattern, options, wantAtLeast }] of Object.entries(levels)) {
  test(`${sentence} of the official suite`, () => {
    const root = join(folder, 'tests/draft2020-12')
    const files = globSync(pattern, { cwd: root }).filter((path) => !Object.hasOwn(leftOut, path))
    let passed = 0
    const wrong: string[] = []
    for (const file of files) {
      for (const group of json(join(root, file)) as Group[]) {
        const compiled = compileSchema(group.schema, { ...options, documents })
        for (const { description, data, valid } of group.tests) {
          const found = compiled.ok && evaluate(compiled.schema, data).length === 0
          if (compiled.ok && found === valid) passed += 1
          else wrong.push(`${file}: ${group.description}: ${description}${compiled.ok ? '' : `: ${JSON.stringify(compiled.findings[0])}`}`)
        }
      }
    }
    assert.deepEqual(wrong, [])
    assert.ok(passed >= wantAtLeast, `only ${passed} cases`)
  })
}
