/** A step that failed in the last runs of the same revision is not tried again until a person says so, or the pipeline changes. */
import type { CompiledStep } from './compiled.ts'
import type { RunWorld } from './run-world.ts'

/** Why the step waits; undefined when it does not. */
export function trippedBreaker({ run, before }: RunWorld, { name, spec }: CompiledStep): string | undefined {
  const { failures } = spec.breaker ?? {}
  if (failures === undefined || run.spec.approvals?.some(({ step, decision }) => step === name && decision === 'Approved')) return undefined
  const failedIn: string[] = []
  for (const { metadata, status } of before()) {
    const phase = status?.steps.find((step) => step.name === name)?.phase
    if (phase === 'Succeeded') break
    if (phase === 'Failed') failedIn.push(metadata.name)
    if (failedIn.length === failures)
      return `Step ${name} failed in the last ${failures} runs of this revision (${failedIn.slice(0, 3).join(', ')}); correct the Pipeline, or approve the step to try it once more.`
  }
  return undefined
}
