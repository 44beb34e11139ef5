import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { debianMirror } from './debian.ts'

const cases: Record<string, { readonly files: Readonly<Record<string, string>>; readonly want: string | RegExp }> = {
  'a line of sources.list names the mirror': {
    files: {
      'sources.list': '# deb http://old.example/debian bookworm main\ndeb [arch=amd64] http://one.example/debian bookworm main contrib\n',
    },
    want: 'http://one.example/debian',
  },
  'a stanza names the mirror, another suite or component does not': {
    files: {
      'sources.list.d/a.list': 'deb http://tool.example/apt bookworm stable\n',
      'sources.list.d/b.sources':
        'Types: deb\nURIs: http://security.example\nSuites: bookworm-security\nComponents: main\n\n' +
        'Types: deb deb-src\n# a remark\nURIs: http://two.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n',
    },
    want: 'http://two.example/debian',
  },
  'without a mirror the error says where to add one': {
    files: { 'sources.list': 'deb http://one.example/debian trixie main\n' },
    want: /no mirror for the Debian suite bookworm; add one to .*sources\.list/,
  },
}

for (const [sentence, { files, want }] of Object.entries(cases)) {
  test(sentence, async () => {
    const etc = await mkdtemp(join(tmpdir(), 'mnemos-apt-'))
    try {
      await mkdir(join(etc, 'sources.list.d'))
      for (const [name, text] of Object.entries(files)) await writeFile(join(etc, name), text)
      if (typeof want === 'string') assert.equal(await debianMirror('bookworm', etc), want)
      else await assert.rejects(debianMirror('bookworm', etc), want)
    } finally {
      await rm(etc, { recursive: true, force: true })
    }
  })
}
