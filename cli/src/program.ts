/**
 * The command line as data: every command, its arguments and flags. What a command does is loaded when it is called, so
 * that `mnemos --help` costs nothing but this file.
 */
import { Command, Option } from 'commander'
import type { LogFlags } from './commands/container-logs.ts'
import type { DevFlags } from './commands/dev.ts'
import type { FilesFlags } from './commands/files-put.ts'
import type { PromptOptions, SubmitOptions } from './commands/jobs-submit.ts'
import type { LintFlags } from './commands/lint.ts'
import type { PoliciesTestFlags } from './commands/policies-test.ts'
import type { SchemasCheckFlags } from './commands/schemas-check.ts'
import type { UpFlags } from './commands/up.ts'
import type { CliConfig } from './config.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { all, number } from './flag-values.ts'
import { type GlobalOptions, type Invocation, interruptSignal } from './invocation.ts'
import { outputFormats } from './output.ts'
import { addPipelines } from './pipelines-program.ts'
import { createTerminal } from './terminal.ts'

/** The program; `onExit` gets the exit code of the command that ran. */
export function buildProgram(config: CliConfig, onExit: (code: ExitCode) => void): Command {
  const program = new Command('mnemos')
    .description('LLM work on Kubernetes: Models, Jobs, Pipelines, Queues and Workers as custom resources.')
    .option('-n, --namespace <name>', "namespace; default the context's own")
    .option('--context <name>', 'context of the kubeconfig')
    .option('--kubeconfig <path>', 'kubeconfig; default $KUBECONFIG, then ~/.kube/config')
    .option('--server <url>', 'URL of the MNEMOS server; default $MNEMOS_SERVER, then the ConfigMap mnemos-system/mnemos-server')
    .addOption(new Option('-o, --output <format>', 'how data is printed').choices(outputFormats.slice(1)))
    .option('--json', 'the same as -o json')
    .option('--no-color', 'no colours (also: NO_COLOR=1, or stderr is no terminal)')
    .showSuggestionAfterError()
    .addHelpText('after', exitCodeHelp)

  const invocation = (): Invocation => {
    const { json, ...flags } = program.opts<GlobalOptions & { readonly json?: boolean }>()
    const globals = json === true ? { ...flags, output: 'json' } : flags
    const colour = config.colour && globals.color
    return {
      globals,
      config,
      signal: interruptSignal(),
      terminal: createTerminal({ stdout: process.stdout, stderr: process.stderr, colour }),
    }
  }
  const run = async (work: (invocation: Invocation) => Promise<ExitCode>): Promise<void> => {
    onExit(await work(invocation()))
  }
  addJobs(program, run)
  addPipelines(program, run)
  addFiles(program, run)
  addChat(program, run)
  addLint(program, run)
  addPolicies(program, run)
  addSchemas(program, run)
  addDev(program, run)
  addUp(program, run)
  addProcesses(program, run)
  addRelease(program, run)
  program
    .command('version')
    .description('print the version')
    .action(() => run(async ({ terminal }) => (await import('./commands/version.ts')).printVersion(terminal)))
  program
    .command('completion <shell>')
    .description('print a completion script: bash, zsh or fish')
    .action((shell: string) =>
      run(async ({ terminal }) => {
        terminal.write((await import('./completion.ts')).completionScript(program, shell))
        return exitCodes.ok
      }),
    )
  return program
}

type Run = (work: (invocation: Invocation) => Promise<ExitCode>) => Promise<void>

function addJobs(program: Command, run: Run): void {
  const jobs = program.command('jobs').alias('job').description('submit, watch and stop Jobs')
  withPromptFlags(jobs.command('submit [model] [prompt]'))
    .description('create a Job from a prompt, or the Jobs of a file')
    .option('-f, --filename <path>', 'YAML or JSON with Jobs; - is stdin')
    .option('-w, --wait', 'wait until it has ended; the exit code is the Job’s', false)
    .action((model: string | undefined, prompt: string | undefined, options: SubmitOptions) =>
      run(async (invocation) => (await import('./commands/jobs-submit.ts')).submitJobs(invocation, model, prompt, options)),
    )
  jobs
    .command('get <name>')
    .description('phase, why it waits and until when, attempts, result')
    .action((name: string) => run(async (invocation) => (await import('./commands/jobs-get.ts')).getJob(invocation, name)))
  jobs
    .command('list')
    .alias('ls')
    .description('the Jobs of a namespace')
    .action(() => run(async (invocation) => (await import('./commands/jobs-get.ts')).listJobs(invocation)))
  jobs
    .command('logs <name>')
    .description('what a Job wrote')
    .option('-f, --follow', 'every token or line as it appears, until the Job ends', false)
    .option('--attempt <number>', 'of this attempt instead of the newest; of a Job with a container', number)
    .option('--timestamps', 'with the time of each line; of a Job with a container', false)
    .action((name: string, flags: LogFlags) =>
      run(async (invocation) => (await import('./commands/jobs-logs.ts')).jobLogs(invocation, name, flags)),
    )
  jobs
    .command('cancel <name...>')
    .description('stop Jobs for good')
    .action((names: string[]) => run(async (invocation) => (await import('./commands/jobs-cancel.ts')).cancelJobs(invocation, names)))
  jobs
    .command('wait <name...>')
    .description('wait until Jobs have ended; exits 0 when all succeeded')
    .option('--timeout <seconds>', 'give up after this long', number)
    .action((names: string[], { timeout }: { timeout?: number }) =>
      run(async (invocation) => (await import('./commands/jobs-wait.ts')).waitForJobs(invocation, names, timeout)),
    )
}

function addFiles(program: Command, run: Run): void {
  const files = program.command('files').alias('file').description('files that Jobs of a namespace read: artifact://files/…')
  const withJson = (command: Command): Command => command.option('--json', 'the same as -o json', false)
  withJson(files.command('put <path> [prefix]'))
    .description('store a file, or all files of a folder, below a prefix; prints their URIs')
    .action((path: string, prefix: string | undefined, flags: FilesFlags) =>
      run(async (invocation) => (await import('./commands/files-put.ts')).putFiles(invocation, path, prefix, flags)),
    )
  withJson(files.command('get <path> [target]'))
    .description('bring a file, or as NAME/ a folder; - is stdout')
    .action((path: string, target: string | undefined, flags: FilesFlags) =>
      run(async (invocation) => (await import('./commands/files-get.ts')).getFiles(invocation, path, target, flags)),
    )
  withJson(files.command('ls [prefix]'))
    .description('the files of a namespace')
    .action((prefix: string | undefined, flags: FilesFlags) =>
      run(async (invocation) => (await import('./commands/files-ls.ts')).listFiles(invocation, prefix, flags)),
    )
  withJson(files.command('rm <path...>'))
    .description('remove files, or as NAME/ folders')
    .action((paths: string[], flags: FilesFlags) =>
      run(async (invocation) => (await import('./commands/files-rm.ts')).removeFiles(invocation, paths, flags)),
    )
}

function addChat(program: Command, run: Run): void {
  withPromptFlags(program.command('chat <model> <prompt>'))
    .description('ask a Model and stream its answer; Ctrl-C cancels')
    .action((model: string, prompt: string, options: PromptOptions) =>
      run(async (invocation) => (await import('./commands/chat.ts')).chat(invocation, model, prompt, options)),
    )
}

function withPromptFlags(command: Command): Command {
  return command
    .option('--name <name>', 'name of the Job; made up when absent')
    .option('--system <text>', 'what the model is told before the prompt')
    .option('--max-tokens <count>', 'most tokens to generate', number)
    .option('--temperature <value>', 'sampling temperature, 0 to 2', number)
    .option('--seed <number>', 'the same seed repeats the answer', number)
    .option('--queue <name>', 'the Queue to wait in')
    .option('--priority <name>', 'critical, high, normal or low')
}

function addLint(program: Command, run: Run): void {
  program
    .command('lint <file...>')
    .description('judge files offline as the API server and the webhook would; exits 1 on findings')
    .option('--policies <path>', 'also judge by the policies and Schemas of this file or folder; may be repeated', all, [])
    .option('--user <name>', 'as whom, for policies that ask')
    .option('--group <name>', 'a group of that user; may be repeated', all, [])
    .action((files: string[], flags: LintFlags) =>
      run(async (invocation) => (await import('./commands/lint.ts')).lint(invocation, files, flags)),
    )
}

function addPolicies(program: Command, run: Run): void {
  const policies = program.command('policies').alias('policy').description('try policies before they bite')
  policies
    .command('test <path>')
    .description('hold policies to the cases of a file or folder, offline; exits 1 when one is otherwise than expected')
    .option('--junit <file>', 'also write the results as JUnit XML')
    .action((path: string, flags: PoliciesTestFlags) =>
      run(async (invocation) => (await import('./commands/policies-test.ts')).testPolicies(invocation, path, flags)),
    )
}

/** Of two documents the transitive modes ask what the plain ones do. Written out: the evaluator of schemas is loaded only where it is used. */
const compatibilityModes: readonly SchemasCheckFlags['compatibility'][] = [
  'BACKWARD',
  'FORWARD',
  'FULL',
  'BACKWARD_TRANSITIVE',
  'FORWARD_TRANSITIVE',
  'FULL_TRANSITIVE',
  'NONE',
]

function addSchemas(program: Command, run: Run): void {
  const schemas = program.command('schemas').alias('schema').description('change JSON Schemas without breaking anybody')
  schemas
    .command('check <old> <new>')
    .description('what a change of a JSON Schema breaks, with documents that show it; exits 1 when it does')
    .addOption(new Option('--compatibility <mode>', 'what is promised').choices(compatibilityModes).default('BACKWARD'))
    .action((older: string, newer: string, flags: SchemasCheckFlags) =>
      run(async (invocation) => (await import('./commands/schemas-check.ts')).checkSchemas(invocation, { older, newer }, flags)),
    )
}

function addDev(program: Command, run: Run): void {
  program
    .command('dev')
    .description('run everything on this machine: a real control plane, operator, webhook, server, worker')
    .option('--state <folder>', 'where data and logs lie', '.mnemos/dev')
    .option('--keep', 'use the data of the last run and leave it for the next', false)
    .option('--file-root <folder>', 'where file:// sources are read; default the folder of the small model')
    .option('--use-current-context', 'run against the current context instead of starting a control plane', false)
    .option('-v, --verbose', 'show every log line, not only warnings', false)
    .action((flags: DevFlags) => run(async (invocation) => (await import('./commands/dev.ts')).dev(invocation, flags)))
}

function addUp(program: Command, run: Run): void {
  program
    .command('up')
    .description('install or upgrade MNEMOS in the cluster of the current context, with Helm')
    .option('--dry-run', 'check everything and change nothing', false)
    .option('-v, --verbose', 'say every step as it happens', false)
    .option('-f, --values <file>', 'values of the chart; may be repeated', all, [])
    .option('--set <key=value>', 'one value of the chart; may be repeated', all, [])
    .option('--chart <path>', 'the chart; default the one of this checkout')
    .option('--helm <path>', 'the program helm', 'helm')
    .option('--timeout <seconds>', 'how long pods, and then the model, may take', number, 300)
    .option('--model <uri>', 'also make a WorkerPool and a first Model from this source, and wait until it is verified')
    .option('--model-name <name>', 'name of that Model', 'first')
    .addHelpText(
      'after',
      '\nExit codes:\n  0  it works   1  prerequisites are missing   2  a part did not start; taken back   3  a health check failed',
    )
    .action((flags: UpFlags) => run(async (invocation) => (await import('./commands/up.ts')).up(invocation, flags)))
}

const processNames = {
  operator: 'reconcile and dispatch',
  webhook: 'admission',
  server: 'HTTP, streams, artifacts',
  recorder: 'keep the logs of container Jobs',
  worker: 'run models',
  attempt: 'run one inference in a pod of its own',
  sidecar: 'bring the files of a container Job and take them',
} as const

function addProcesses(program: Command, run: Run): void {
  for (const [name, what] of Object.entries(processNames)) {
    const command = program
      .command(name)
      .description(`run one process: ${what} (configured by environment variables)`)
      .action((_flags: unknown, { args }: Command) =>
        run(async (invocation) => (await import('./commands/run-process.ts')).runProcess(name, invocation, args)),
      )
    // A worker has flags of its own, because people start it by hand on other machines.
    if (name === 'worker') command.allowUnknownOption().allowExcessArguments().helpOption(false)
  }
}

function addRelease(program: Command, run: Run): void {
  const release = program.command('release', { hidden: true }).description('what the hooks of the chart run inside the cluster')
  const steps = {
    prepare: 'make the credentials of the try-out stores, once',
    cleanup: 'take away what processes made for themselves, before the release goes',
  } as const
  for (const step of ['prepare', 'cleanup'] as const)
    release
      .command(step)
      .description(steps[step])
      .action(() => run(async (invocation) => (await import('./commands/release.ts')).release(invocation, step)))
}

const exitCodeHelp = `
Exit codes:
  0  done            1  failed, or findings   2  cancelled
  3  not found       4  not allowed           5  no answer from the server
  64 wrong usage`
