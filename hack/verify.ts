/**
 * `npm run verify`: what the type checker and the linters cannot see. Rings, shapes, generated files, the diagram in
 * ARCHITECTURE.md. `--write` redraws the diagram.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { diagram, ringBreaches } from './verify/rings.ts'
import { shapeBreaches } from './verify/shape.ts'

const marked = /<!-- rings:start -->[\s\S]*<!-- rings:end -->/
const page = 'ARCHITECTURE.md'

function diagramBreaches(write: boolean): string[] {
  const text = readFileSync(page, 'utf8')
  const wanted = text.replace(marked, `<!-- rings:start -->\n${diagram()}\n<!-- rings:end -->`)
  if (write && wanted !== text) writeFileSync(page, wanted)
  return write || wanted === text ? [] : [`${page}: the diagram of the rings is old; run npm run verify -- --write`]
}

function generatedBreaches(): string[] {
  const check = spawnSync(process.execPath, ['hack/generate.ts', '--check'], { encoding: 'utf8' })
  return check.status === 0 ? [] : [`generated files are old; run npm run generate\n${check.stdout}${check.stderr}`]
}

const breaches = [...ringBreaches(), ...shapeBreaches(), ...diagramBreaches(process.argv.includes('--write')), ...generatedBreaches()]
for (const breach of breaches) process.stderr.write(`${breach}\n`)
process.stdout.write(
  breaches.length === 0 ? 'rings, shapes, diagram and generated files are as they should be\n' : `${breaches.length} findings\n`,
)
process.exitCode = breaches.length === 0 ? 0 : 1
