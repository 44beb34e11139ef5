/**
 * `npm run bench -- NAME`: runs one benchmark and prints its figures as one JSON object on the last line.
 *
 * A benchmark is a file beside this one that exports `run(log)`; progress goes to stderr, so that stdout stays readable by
 * programs. Figures always carry `conditions`: the machine, the date and what the bench itself set.
 */
import { readdirSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'

/** What every benchmark module exports. */
export interface Bench {
  run(log: (line: string) => void): Promise<Record<string, unknown> & { conditions?: Record<string, unknown> }>
}

const notBenches = new Set(['main.ts'])
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.includes('.child.') && !notBenches.has(file))
  .map((file) => file.replace(/\.ts$/, ''))
const name = process.argv[2] ?? ''

if (!names.includes(name)) {
  process.stderr.write(`usage: npm run bench -- NAME, with NAME one of: ${names.join(', ')}\n`)
  process.exit(2)
}
const bench = (await import(join(import.meta.dirname, `${name}.ts`))) as Bench
const figures = await bench.run((line) => void process.stderr.write(`${line}\n`))
const machine = {
  cores: cpus().length,
  cpu: cpus()[0]?.model ?? 'unknown',
  memory_gib: Math.round(totalmem() / 1024 ** 3),
  node: process.version,
  date: new Date().toISOString(),
}
process.stdout.write(`${JSON.stringify({ bench: name, ...figures, conditions: { ...machine, ...figures.conditions } })}\n`)
process.exit(0)
