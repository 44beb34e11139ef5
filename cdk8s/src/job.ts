/** Job, with the order of Jobs said by the Jobs themselves. */
import { Job as GeneratedJob, type JobSpec } from './gen/constructs.ts'
import type { NameOf } from './reference.ts'

/**
 * One piece of LLM work: queued, explained, retried and fenced.
 *
 * A Job's work is fixed once it is created: give a changed Job another name (or id), or the API server refuses the update.
 */
export class Job extends GeneratedJob {
  readonly #before: NameOf<'Job'>[] = []

  /** Lets this Job wait until the others have succeeded. They must be of the same namespace. @returns this Job */
  dependsOn(...others: readonly NameOf<'Job'>[]): this {
    this.#before.push(...others)
    return this
  }

  protected override finishedSpec(): JobSpec {
    const spec = super.finishedSpec()
    if (this.#before.length === 0) return spec
    return { ...spec, dependsOn: [...new Set([...(spec.dependsOn ?? []), ...this.#before])] }
  }
}
