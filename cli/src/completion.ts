/**
 * `mnemos completion bash|zsh|fish`: a script that completes commands and flags. Made from the program itself, so it cannot
 * fall behind it; needs no cluster while typing.
 */
import type { Command } from 'commander'
import { CliError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'

/** The words that may follow each command: `{'': ['jobs', '--namespace'], 'jobs': ['submit', …]}`. */
export function completions(program: Command): Readonly<Record<string, readonly string[]>> {
  const found: Record<string, readonly string[]> = {}
  const visit = (command: Command, path: readonly string[]): void => {
    const flags = [...program.options, ...command.options].flatMap(({ long }) => long ?? [])
    found[path.join(' ')] = [...new Set([...command.commands.map((child) => child.name()), ...flags])].sort()
    for (const child of command.commands) visit(child, [...path, child.name()])
  }
  visit(program, [])
  return found
}

/** @throws CliError for a shell that is not known */
export function completionScript(program: Command, shell: string): string {
  const script = scripts[shell]
  if (script !== undefined) return script(completions(program))
  throw new CliError(`${shell} is no shell we can complete in; choose one of ${Object.keys(scripts).join(', ')}`, {
    code: 'MNEMOS_USAGE',
    exitCode: exitCodes.usage,
  })
}

type Words = Readonly<Record<string, readonly string[]>>

const bash = (words: Words): string => {
  const cases = Object.entries(words).map(([path, known]) => `    '${path}') words='${known.join(' ')}' ;;`)
  return `_mnemos() {
  local words path='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  case "$path" in
${cases.join('\n')}
    *) COMPREPLY=(); return ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _mnemos mnemos
`
}

const scripts: Readonly<Record<string, (words: Words) => string>> = {
  bash,
  zsh: (words) => `autoload -U +X bashcompinit && bashcompinit\n${bash(words)}`,
  fish: (words) =>
    Object.entries(words)
      .map(([path, known]) => {
        const when =
          path === ''
            ? '__fish_use_subcommand'
            : path
                .split(' ')
                .map((word) => `__fish_seen_subcommand_from ${word}`)
                .join('; and ')
        return `complete -c mnemos -n '${when}' -f -a '${known.join(' ')}'\n`
      })
      .join(''),
}
