/**
 * Where artifacts come from: which Job of which step made each, in which attempt, with which model, out of what.
 *
 * Pure, over Jobs that somebody else has read. An input that a Job names is resolved where its maker is among them. The way upstream goes along
 * inputs and, because values go from step to step without being named in a Job, along the steps that a step waits for; it is bounded.
 */
import type { Job } from '@mnemos/api'
import { z } from 'zod'
import type { MadeFile } from './made-file.ts'

/** A Job with its place in a run and what it left. */
export interface LineageWork {
  readonly step?: string
  readonly item?: number
  readonly job: Job
  readonly made: readonly MadeFile[]
}

export interface LineageWorld {
  readonly work: readonly LineageWork[]
  /** Of the run that the work is of, if it is of one. */
  readonly run?: { readonly run: string; readonly pipeline: string; readonly revision?: number }
  /** Whom a step waits for. */
  readonly before: ReadonlyMap<string, readonly string[]>
  /** What the pipeline says that an output is. */
  readonly mediaTypeOf?: (step: string, output: string) => string | undefined
}

export interface LineageInput {
  readonly from: string
  readonly job?: string
  readonly sha256?: string
}

export interface LineageNode {
  readonly artifact: {
    readonly uri: string
    readonly output: string
    readonly sha256: string
    readonly sizeBytes: number
    readonly mediaType?: string
  }
  readonly step?: string
  readonly item?: number
  readonly job: string
  readonly attempt: number
  readonly model?: { readonly name: string; readonly namespace?: string; readonly digest?: string }
  readonly inputs: readonly LineageInput[]
  readonly after: readonly string[]
  readonly run?: string
  readonly pipeline?: string
  readonly revision?: number
}

/** Read as it may be: a status of before has none. */
const modelOfStatus = z.object({
  model: z.object({ name: z.string(), namespace: z.string().optional(), digest: z.string().optional() }),
})

/** Jobs by name, and makers by the address of what they made. */
interface Makers {
  readonly byName: ReadonlyMap<string, LineageWork>
  readonly byKey: ReadonlyMap<string, { readonly work: LineageWork; readonly file: MadeFile }>
}

/** Every artifact of these Jobs. */
export function lineageOf(world: LineageWorld): readonly LineageNode[] {
  const makers = makersOf(world)
  return world.work.flatMap((work) => nodesOf(work, world, makers))
}

/**
 * The artifacts that are meant and everything that they were made of, nearest first.
 * @param target `artifact://<key>`, `job://<job>/<output>` or a SHA-256
 * @param most nodes; `isWhole` is false when there are more
 */
export function upstreamOf(
  target: string,
  world: LineageWorld,
  most: number,
): { readonly nodes: readonly LineageNode[]; readonly isWhole: boolean } {
  const makers = makersOf(world)
  const ofStep = new Map<string, LineageWork[]>()
  for (const work of world.work) if (work.step !== undefined) ofStep.set(work.step, [...(ofStep.get(work.step) ?? []), work])
  const meant = world.work.flatMap((work) => nodesOf(work, world, makers)).filter((node) => isMeant(target, node))
  const open: LineageWork[] = []
  const seen = new Set(meant.map(({ job }) => job))
  const nodes = [...meant]
  const reach = (work: LineageWork | undefined): void => {
    if (work === undefined || seen.has(work.job.metadata.name)) return
    seen.add(work.job.metadata.name)
    open.push(work)
  }
  const follow = ({ inputs, after }: Pick<LineageNode, 'inputs' | 'after'>): void => {
    for (const { job } of inputs) reach(makers.byName.get(job ?? ''))
    for (const step of after) for (const work of ofStep.get(step) ?? []) reach(work)
  }
  for (const node of meant) follow(node)
  for (let at = 0; at < open.length && nodes.length <= most; at += 1) {
    const work = open[at]
    if (work === undefined) break
    nodes.push(...nodesOf(work, world, makers))
    // A Job that left nothing leads on all the same.
    follow({ inputs: inputsOf(work.job, makers), after: afterOf(work, world) })
  }
  return { nodes: nodes.slice(0, most), isWhole: nodes.length <= most }
}

/** Names of the Jobs that a Job was given something by, or had to wait for. */
export function givers({ spec }: Job): readonly string[] {
  const named = inputTexts({ spec }).flatMap((from) => jobIn(from) ?? [])
  return [...new Set([...named, ...(spec.dependsOn ?? [])])]
}

/** Whether a target can be read at all. */
export function isTarget(text: string): boolean {
  return /^(artifact:\/\/[A-Za-z0-9][A-Za-z0-9._/-]*|job:\/\/[a-z0-9][-a-z0-9.]*\/[A-Za-z0-9][-A-Za-z0-9_]*|(sha256:)?[a-f0-9]{64})$/.test(
    text,
  )
}

function makersOf({ work }: LineageWorld): Makers {
  return {
    byName: new Map(work.map((each) => [each.job.metadata.name, each])),
    byKey: new Map(work.flatMap((each) => each.made.map((file) => [file.key, { work: each, file }]))),
  }
}

function nodesOf(work: LineageWork, world: LineageWorld, makers: Makers): readonly LineageNode[] {
  const { job, made, step, item } = work
  const parsed = modelOfStatus.safeParse(job.status)
  const { name, namespace, digest } = parsed.data?.model ?? {}
  const inputs = inputsOf(job, makers)
  return made.map(({ output, key, sha256, sizeBytes, attempt }) => {
    const mediaType = step === undefined ? undefined : world.mediaTypeOf?.(step, output)
    return {
      artifact: { uri: `artifact://${key}`, output, sha256, sizeBytes, ...(mediaType === undefined ? {} : { mediaType }) },
      ...(step === undefined ? {} : { step }),
      ...(item === undefined ? {} : { item }),
      ...{ job: job.metadata.name, attempt },
      ...(name === undefined
        ? {}
        : { model: { name, ...(namespace === undefined ? {} : { namespace }), ...(digest === undefined ? {} : { digest }) } }),
      ...{ inputs, after: afterOf(work, world) },
      // Who gave something to the run need not be of it.
      ...(step === undefined ? {} : world.run),
    }
  })
}

function afterOf({ step }: LineageWork, { before }: LineageWorld): readonly string[] {
  return step === undefined ? [] : (before.get(step) ?? [])
}

function inputsOf(job: Job, { byName, byKey }: Makers): readonly LineageInput[] {
  const given = inputTexts(job).map((from): LineageInput => {
    const [, name, output = ''] = /^job:\/\/([^/]+)\/(.+)$/.exec(from) ?? []
    if (name !== undefined) {
      const meant = output === 'text' ? 'result' : output
      const file = byName.get(name)?.made.find((each) => each.output === meant)
      return { from, job: name, ...(file === undefined ? {} : { sha256: file.sha256 }) }
    }
    const maker = byKey.get(from.replace('artifact://', ''))
    return maker === undefined ? { from } : { from, job: maker.work.job.metadata.name, sha256: maker.file.sha256 }
  })
  const named = new Set(given.flatMap((input) => input.job ?? []))
  const waitedFor = (job.spec.dependsOn ?? []).filter((name) => !named.has(name))
  return [...given, ...waitedFor.map((name) => ({ from: `job://${name}`, job: name }))]
}

function inputTexts({ spec }: Pick<Job, 'spec'>): readonly string[] {
  return [...(spec.inference?.inputs ?? []), ...(spec.container?.inputs ?? [])].map(({ from }) => from)
}

function jobIn(from: string): string | undefined {
  return /^job:\/\/([^/]+)\//.exec(from)?.[1]
}

function isMeant(target: string, { artifact, job }: LineageNode): boolean {
  if (target.startsWith('artifact://')) return artifact.uri === target
  if (!target.startsWith('job://')) return artifact.sha256 === target.replace('sha256:', '')
  const output = target.slice(`job://${job}/`.length)
  return target.startsWith(`job://${job}/`) && (artifact.output === output || (output === 'text' && artifact.output === 'result'))
}
