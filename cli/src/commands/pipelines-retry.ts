/** `mnemos pipelines retry RUN`: a new run that keeps what an earlier one has finished, with changes where they are wanted. */
import { outlineOf } from '@mnemos/domain'
import type { ExitCode } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { parseFormat } from '../output.ts'
import { checkSteps, readOverrides, readParameters } from '../parameter-values.ts'
import { runNamed, specOfRun } from '../pipelines-api.ts'
import type { ShownPipeline } from '../run-view.ts'
import type { Session } from '../session.ts'
import { afterStart, type ChangeFlags, generatedName, readParameterFile, type WatchFlags } from './pipelines-run.ts'

export interface RetryFlags extends ChangeFlags, WatchFlags {
  readonly from: readonly string[]
}

export async function retryRun(invocation: Invocation, session: Session, name: string, flags: RetryFlags): Promise<ExitCode> {
  const { signal } = invocation
  parseFormat(invocation.globals.output)
  const earlier = await runNamed(session.pipelines, session.namespace, name, signal)
  // A stored revision is a spec that was accepted once.
  const spec = (await specOfRun(session.pipelines, earlier, signal)) as ShownPipeline['spec'] | undefined
  const steps = outlineOf(spec)
  if (spec !== undefined) checkSteps(steps, flags.from, '--from')
  const overrides = readOverrides(steps, { images: flags.override, models: flags.model })
  const parameters = await changedParameters(spec, earlier.spec.parameters, flags)
  const run = await session.pipelines.retry(
    earlier,
    {
      name: flags.name ?? generatedName(earlier.spec.pipelineRef.name),
      ...(flags.from.length === 0 ? {} : { steps: [...flags.from] }),
      ...(parameters === undefined ? {} : { parameters: { ...parameters } }),
      ...(overrides.length === 0 ? {} : { overrides: [...overrides] }),
    },
    signal,
  )
  return afterStart(invocation, session, run, flags)
}

/** Those of the earlier run with what is changed; undefined when nothing is, because the server then takes those of the earlier run. */
async function changedParameters(
  spec: ShownPipeline['spec'] | undefined,
  before: Readonly<Record<string, unknown>> | undefined,
  { param, params }: ChangeFlags,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (param.length === 0 && params === undefined) return undefined
  const fromFile = { ...before, ...(params === undefined ? {} : await readParameterFile(params)) }
  return readParameters(spec?.parameters ?? [], { pairs: param, fromFile })
}
