/**
 * Holds the rings of the design: which package may import which is data (hack/rings.json); every import and every
 * package.json is compared with it, and ARCHITECTURE.md's diagram is drawn from it.
 *
 * A row's `may` allows any import, `types` only `import type`, `dynamic` only `import()` and types. Tests may also import the testkit.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { importsOf, sourceFiles } from './source.ts'

export interface Ring {
  readonly name: string
  readonly folder: string
  readonly may: readonly string[]
  readonly types?: readonly string[]
  readonly dynamic?: readonly string[]
}

export const rings = JSON.parse(readFileSync('hack/rings.json', 'utf8')) as readonly Ring[]

/** Every breach of the table, as a sentence. */
export function ringBreaches(): string[] {
  return [...rings.flatMap(importBreaches), ...rings.flatMap(manifestBreaches)]
}

/** The breaches of one file's text; `path` is relative to the root. */
export function breachesOfFile(ring: Ring, path: string, text: string): string[] {
  const isTest = /\.test(-kit)?\.ts$/.test(path)
  const breaches: string[] = []
  for (const { specifier, kind } of importsOf(text)) {
    if (specifier.startsWith('.')) {
      if (!join(path, '..', specifier).startsWith(`${ring.folder}/`))
        breaches.push(`${path}: ${specifier} leaves the package; import it by its package name`)
      continue
    }
    const name = /^(@mnemos\/[^/]+)(\/.*)?$/.exec(specifier)
    if (name === null) continue
    const [, target = '', deep] = name
    if (deep !== undefined) breaches.push(`${path}: ${specifier} reaches into ${target}; import from its root`)
    const allowed =
      target === ring.name ||
      ring.may.includes(target) ||
      (kind === 'type' && (ring.types ?? []).includes(target)) ||
      (kind !== 'value' && (ring.dynamic ?? []).includes(target)) ||
      (isTest && target === '@mnemos/testkit') ||
      (isTest && (ring.types ?? []).includes(target))
    if (!allowed)
      breaches.push(`${path}: ${ring.name} may not import ${target}${kind === 'value' ? '' : ` (${kind})`}; see hack/rings.json`)
  }
  return breaches
}

function importBreaches(ring: Ring): string[] {
  const files = sourceFiles(new RegExp(`^${ring.folder}/src/.*\\.ts$`))
  return files.flatMap((path) => breachesOfFile(ring, path, readFileSync(path, 'utf8')))
}

function manifestBreaches(ring: Ring): string[] {
  const manifest = JSON.parse(readFileSync(join(ring.folder, 'package.json'), 'utf8')) as { dependencies?: Record<string, string> }
  const allowed = [...ring.may, ...(ring.types ?? []), ...(ring.dynamic ?? [])]
  return Object.keys(manifest.dependencies ?? {})
    .filter((name) => name.startsWith('@mnemos/') && !allowed.includes(name))
    .map((name) => `${ring.folder}/package.json: ${ring.name} may not depend on ${name}; see hack/rings.json`)
}

/** The table as a Mermaid diagram: solid arrows import, dotted ones import types or load at run time. */
export function diagram(): string {
  const short = (name: string): string => name.replace('@mnemos/', '')
  const arrows = rings.flatMap((ring) => [
    ...ring.may.map((to) => `  ${short(ring.name)} --> ${short(to)}`),
    ...(ring.types ?? []).map((to) => `  ${short(ring.name)} -. types .-> ${short(to)}`),
    ...(ring.dynamic ?? []).map((to) => `  ${short(ring.name)} -. loads .-> ${short(to)}`),
  ])
  return ['```mermaid', 'flowchart LR', ...arrows, '```'].join('\n')
}
