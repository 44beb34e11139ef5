import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { completionScript } from './completion.ts'
import { parseCliConfig } from './config.ts'
import { buildProgram } from './program.ts'

const program = buildProgram(parseCliConfig({}), () => undefined)

const typed: Record<string, { words: readonly string[]; want: readonly string[] }> = {
  'a command': { words: ['mnemos', 'ch'], want: ['chat'] },
  'a command of a command': { words: ['mnemos', 'jobs', 'su'], want: ['submit'] },
  'a flag of a command, behind a global flag': { words: ['mnemos', '--no-color', 'jobs', 'logs', '--fol'], want: ['--follow'] },
  'a global flag behind a command': { words: ['mnemos', 'jobs', 'list', '--names'], want: ['--namespace'] },
}

for (const [sentence, { words, want }] of Object.entries(typed)) {
  test(`bash completes ${sentence}`, () => {
    const script = `${completionScript(program, 'bash')}
COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _mnemos; printf '%s\\n' "\${COMPREPLY[@]}"`
    assert.deepEqual(execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split('\n'), want)
  })
}

test('a shell that is not known is a usage error', () => {
  assert.throws(() => completionScript(program, 'cmd'), { exitCode: 64 })
})
