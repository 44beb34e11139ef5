/** The part of the command line that is about pipelines and their runs, as data; see program.ts. */
import type { Command } from 'commander'
import type { GraphFlags } from './commands/pipelines-graph.ts'
import type { RunLogFlags } from './commands/pipelines-logs.ts'
import type { RetryFlags } from './commands/pipelines-retry.ts'
import type { RunFlags } from './commands/pipelines-run.ts'
import type { ApproveFlags } from './commands/pipelines-steer.ts'
import type { ExitCode } from './exit-codes.ts'
import { all, number, wholeNumber } from './flag-values.ts'
import type { Invocation } from './invocation.ts'
import type { Session } from './session.ts'

type Run = (work: (invocation: Invocation) => Promise<ExitCode>) => Promise<void>
/** Runs a command that asks the server. */
type RunConnected = (work: (invocation: Invocation, session: Session) => Promise<ExitCode>) => Promise<void>

export function addPipelines(program: Command, run: Run): void {
  const connected: RunConnected = (work) =>
    run(async (invocation) => work(invocation, await (await import('./session.ts')).connect(invocation)))
  const pipelines = program.command('pipelines').alias('pipeline').description('steps that wait for one another, and their runs')
  addObjects(pipelines, connected)
  addStarts(pipelines, connected)
  addLooks(pipelines, connected)
  addSteering(pipelines, connected)
  addResults(pipelines, connected)
  addRevisions(pipelines, connected)
  const models = program.command('models').alias('model').description('what people name when they ask')
  models
    .command('rollback <name>')
    .description('move an alias (source model://…) back to the Model that it stood for before')
    .action((name: string) =>
      connected(async (...given) => (await import('./commands/pipelines-revisions.ts')).rollbackModel(...given, name)),
    )
  program
    .command('why <object>')
    .description('why run/NAME, job/NAME or pipeline/NAME stands where it stands, and the command that leads on')
    .action((what: string) => connected(async (...given) => (await import('./commands/why.ts')).why(...given, what)))
}

function addObjects(pipelines: Command, connected: RunConnected): void {
  pipelines
    .command('list')
    .alias('ls')
    .description('the Pipelines of a namespace')
    .action(() => connected(async (...given) => (await import('./commands/pipelines-get.ts')).listPipelines(...given)))
  pipelines
    .command('get <name>')
    .description('what a Pipeline takes and does, and whether it is ready')
    .action((name: string) => connected(async (...given) => (await import('./commands/pipelines-get.ts')).getPipeline(...given, name)))
  pipelines
    .command('create')
    .description('create the Pipelines of a file; documents of synkron.mnemos.dev/v1 are converted')
    .requiredOption('-f, --filename <path>', 'YAML or JSON; - is stdin')
    .action(({ filename }: { filename: string }) =>
      connected(async (...given) => (await import('./commands/pipelines-get.ts')).createPipelines(...given, filename)),
    )
  pipelines
    .command('delete <name...>')
    .description('delete Pipelines; their runs stay')
    .action((names: string[]) =>
      connected(async (...given) => (await import('./commands/pipelines-get.ts')).deletePipelines(...given, names)),
    )
}

function addStarts(pipelines: Command, connected: RunConnected): void {
  withChangeFlags(pipelines.command('run <name>'))
    .description('start a run of a Pipeline')
    .option('--revision <number>', 'a revision instead of the newest', wholeNumber(1))
    .option('--files <param=folder>', 'upload the files of a folder; their list is the parameter; may be repeated', all, [])
    .option('--queue <name>', 'the Queue of its Jobs, where a step names none')
    .option('--priority <name>', 'critical, high, normal or low')
    .action((name: string, flags: RunFlags) =>
      connected(async (...given) => (await import('./commands/pipelines-run.ts')).runPipeline(...given, name, flags)),
    )
  withChangeFlags(pipelines.command('retry <run>'))
    .description('a new run that keeps what an ended one has finished')
    .option('--from <step>', 'do this step again, and all after it; may be repeated; default those that did not succeed', all, [])
    .action((name: string, flags: RetryFlags) =>
      connected(async (...given) => (await import('./commands/pipelines-retry.ts')).retryRun(...given, name, flags)),
    )
}

function withChangeFlags(command: Command): Command {
  return command
    .option('-p, --param <key=value>', 'a parameter, read by its declared type; of a list repeated, or JSON', all, [])
    .option('--params <file>', 'parameters of a YAML or JSON file; -p wins')
    .option('--name <run>', 'name of the run; made up when absent')
    .option('--override <step=image>', 'another image for a step; may be repeated', all, [])
    .option('--model <step=model>', 'another Model for a step; may be repeated', all, [])
    .option('-w, --wait', 'wait until it has ended; the exit code is that of the run', false)
    .option('--follow', 'the same, and show its steps as they go on', false)
}

function addLooks(pipelines: Command, connected: RunConnected): void {
  pipelines
    .command('runs [name]')
    .description('the runs of a Pipeline, or all of a namespace, newest first')
    .action((name: string | undefined) =>
      connected(async (...given) => (await import('./commands/pipelines-runs.ts')).listRuns(...given, name)),
    )
  pipelines
    .command('status <run>')
    .alias('get-run')
    .description('a run with its steps and outputs; -o wide lists the Job of each step and instance')
    .action((name: string) => connected(async (...given) => (await import('./commands/pipelines-runs.ts')).runStatus(...given, name)))
  pipelines
    .command('graph <name>')
    .description('the steps of a Pipeline or a run as a tree')
    .option('-w, --watch', 'of a run: live until it has ended; the exit code is that of the run', false)
    .option('--dot', 'for Graphviz', false)
    .option('--mermaid', 'for Mermaid', false)
    .action((name: string, flags: GraphFlags) =>
      connected(async (...given) => (await import('./commands/pipelines-graph.ts')).showGraph(...given, name, flags)),
    )
  pipelines
    .command('logs <run> [step]')
    .description('what the Jobs of a run, or of a step, wrote')
    .option('--item <index>', 'of one instance of a step over a list, from 0 on', wholeNumber(0))
    .option('-f, --follow', 'as it is written, until the run or the step has ended', false)
    .option('--attempt <number>', 'of this attempt instead of the newest; of steps with a container', wholeNumber(1))
    .option('--timestamps', 'with the time of each line; of steps with a container', false)
    .action((name: string, step: string | undefined, flags: RunLogFlags) =>
      connected(async (...given) => {
        const which = { run: name, ...(step === undefined ? {} : { step }) }
        return (await import('./commands/pipelines-logs.ts')).runLogs(...given, which, flags)
      }),
    )
  pipelines
    .command('why <run>')
    .description('why a run stands where it stands, and the command that leads on')
    .action((name: string) => connected(async (...given) => (await import('./commands/why.ts')).why(...given, `run/${name}`)))
  pipelines
    .command('wait <run...>')
    .description('wait until runs have ended; exits 0 when all succeeded')
    .option('--timeout <seconds>', 'give up after this long', number)
    .action((names: string[], { timeout }: { timeout?: number }) =>
      connected(async (...given) => (await import('./commands/pipelines-wait.ts')).waitForRuns(...given, names, timeout)),
    )
}

const steering = {
  cancel: 'stop runs for good; their steps of finally are done',
  suspend: 'start nothing new in runs; what runs goes on',
  resume: 'go on with runs that were suspended',
} as const

function addSteering(pipelines: Command, connected: RunConnected): void {
  for (const verb of ['cancel', 'suspend', 'resume'] as const)
    pipelines
      .command(`${verb} <run...>`)
      .description(steering[verb])
      .action((names: string[]) =>
        connected(async (...given) => (await import('./commands/pipelines-steer.ts')).steerRuns(...given, verb, names)),
      )
  pipelines
    .command('approve <run> <step>')
    .description('decide about a step that waits for a person')
    .option('--reject', 'the step fails instead', false)
    .option('--comment <text>', 'why, in your words')
    .action((name: string, step: string, flags: ApproveFlags) =>
      connected(async (...given) => (await import('./commands/pipelines-steer.ts')).approveStep(...given, { run: name, step }, flags)),
    )
}

function addResults(pipelines: Command, connected: RunConnected): void {
  pipelines
    .command('artifacts <run>')
    .description('what the steps of a run left behind')
    .action((name: string) =>
      connected(async (...given) => (await import('./commands/pipelines-artifacts.ts')).runArtifacts(...given, name)),
    )
  pipelines
    .command('lineage <run>')
    .description('where the artifacts of a run come from, or one: artifact://…, job://JOB/OUTPUT or its SHA-256')
    .action((what: string) => connected(async (...given) => (await import('./commands/pipelines-artifacts.ts')).lineage(...given, what)))
}

function addRevisions(pipelines: Command, connected: RunConnected): void {
  pipelines
    .command('revisions <name>')
    .description('the revisions of a Pipeline that are kept')
    .action((name: string) =>
      connected(async (...given) => (await import('./commands/pipelines-revisions.ts')).listRevisions(...given, name)),
    )
  pipelines
    .command('diff <name>')
    .argument('[from]', 'a revision; default the one before the other', wholeNumber(1))
    .argument('[to]', 'a revision; default the one in force', wholeNumber(1))
    .description('what changed between two revisions')
    .action((pipeline: string, from: number | undefined, to: number | undefined) =>
      connected(async (...given) => {
        const between = { pipeline, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
        return (await import('./commands/pipelines-revisions.ts')).diffRevisions(...given, between)
      }),
    )
  pipelines
    .command('rollback <name>')
    .description('put the spec of an earlier revision in force')
    .option('--to <revision>', 'which; default the one before', wholeNumber(1))
    .action((name: string, { to }: { to?: number }) =>
      connected(async (...given) => (await import('./commands/pipelines-revisions.ts')).rollbackPipeline(...given, name, to)),
    )
}
