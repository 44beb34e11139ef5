/** What the node and its images take from Debian: packages that the machine lacks, and the mirror that it uses itself. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './run.ts'

/**
 * Installs those of the packages that are missing, by apt-get, and says which.
 * @throws when some are missing and this process is not root, or apt-get cannot install them; names them and the command
 */
export async function debianPackages(names: readonly string[], log: (line: string) => void = () => undefined): Promise<void> {
  const installed = await installedPackages(names)
  const missing = names.filter((name) => !installed.has(name))
  if (missing.length === 0) return
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`
  if (process.getuid?.() !== 0) throw new Error(`Debian packages are missing: ${missing.join(', ')}; run \`sudo ${command}\``)
  log(`Installing Debian packages: ${missing.join(', ')} …`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const whenMissing = `this needs Debian or a relative of it; install ${missing.join(', ')} by hand`
  await run('apt-get', ['update', '-qq'], { env, whenMissing })
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], { env })
}

async function installedPackages(names: readonly string[]): Promise<ReadonlySet<string>> {
  const format = '--showformat=$' + '{Package} $' + '{db:Status-Status}\\n'
  // dpkg-query fails when it knows none of a name; what it knows of the others is still printed.
  const lines = await Promise.all(names.map((name) => run('dpkg-query', ['--show', format, name]).catch(() => [])))
  return new Set(
    lines
      .flat()
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0] ?? ''),
  )
}

/**
 * The mirror of a Debian release that this machine's own apt uses.
 * @throws when apt names none for that suite
 */
export async function debianMirror(suite: string, etc = '/etc/apt'): Promise<string> {
  const parts = await readdir(join(etc, 'sources.list.d')).catch(() => [])
  const files = ['sources.list', ...parts.map((name) => join('sources.list.d', name))]
  for (const file of files) {
    const text = await readFile(join(etc, file), 'utf8').catch(() => '')
    const found = file.endsWith('.sources') ? mirrorInStanzas(text, suite) : mirrorInLines(text, suite)
    if (found !== undefined) return found
  }
  throw new Error(`${etc} names no mirror for the Debian suite ${suite}; add one to ${join(etc, 'sources.list')}`)
}

/** `deb [options] URI SUITE main …` */
function mirrorInLines(text: string, suite: string): string | undefined {
  for (const line of text.split('\n')) {
    const [, uri, named, components = ''] = /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$/.exec(line) ?? []
    if (named === suite && components.split(/\s+/).includes('main')) return uri
  }
  return undefined
}

/** The deb822 form: stanzas of `Field: values`. */
function mirrorInStanzas(text: string, suite: string): string | undefined {
  for (const stanza of text.split(/\n\s*\n/)) {
    const words = (field: string): string[] => new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(stanza)?.[1]?.split(/\s+/) ?? []
    if (words('Types').includes('deb') && words('Suites').includes(suite) && words('Components').includes('main')) return words('URIs')[0]
  }
  return undefined
}
