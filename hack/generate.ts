/**
 * `npm run generate`: writes every generated file; `--check` writes nothing and fails with the list of files that are old.
 *
 * A generator is a file in hack/generate/ that exports `generate(): Promise<Map<path, content>>`, paths from the root.
 */
import { readdirSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

interface Generator {
  generate(): Promise<ReadonlyMap<string, string>>
}

const check = process.argv.includes('--check')
const folder = join(import.meta.dirname, 'generate')
const old: string[] = []
for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))) {
  const { generate } = (await import(join(folder, file))) as Partial<Generator>
  for (const [path, content] of (await generate?.()) ?? []) {
    if ((await readFile(path, 'utf8').catch(() => undefined)) === content) continue
    old.push(path)
    if (check) continue
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, content)
  }
}
for (const path of old) process.stdout.write(`${check ? 'old' : 'wrote'}: ${path}\n`)
process.exitCode = check && old.length > 0 ? 1 : 0
