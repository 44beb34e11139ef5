/**
 * The pieces of work of a run, in an order that never changes: steps as the revision lists them, instances by the place of their item.
 *
 * A run may have ten thousand of them, so they are walked from where a reader stands, and nothing is made for those before. Where a reader
 * stands is said by the piece that was told last, so that a step whose instances become known meanwhile shifts nothing.
 */
import type { PipelineRunStatus } from '@mnemos/api'
import { fieldOf, itemsOf, textOf } from '../reading.ts'
import { decodePhases } from './fan-out.ts'
import type { StepPhase } from './progress.ts'

/** A step of a run with what its status says of it. */
export interface StepWork {
  readonly step: string
  /** `unknown` when the revision does not say. */
  readonly type: string
  readonly phase: StepPhase
  readonly why?: string
  readonly message?: string
  /** A Job that is not the step's own. */
  readonly job?: string
  /** An earlier run that has its Jobs. */
  readonly run?: string
  /** Phases of its instances, once there are any. */
  readonly items?: readonly StepPhase[]
  /** What the pipeline says that its outputs are. */
  readonly mediaTypes?: ReadonlyMap<string, string>
}

export interface WorkPiece {
  readonly work: StepWork
  /** Undefined: the step itself. */
  readonly item?: number
  readonly phase: StepPhase
}

/** Where a reader stands: behind this piece, or within it. */
export interface WorkPosition {
  readonly step: string
  readonly item?: number
  /** How many of its parts were told; 0: all of it. */
  readonly parts: number
}

export interface WorkFilter {
  readonly step?: string | undefined
  readonly phase?: StepPhase | undefined
}

const types = ['inference', 'container', 'training', 'embedding', 'gate', 'approval', 'pipeline', 'publish']

/** @param spec of the revision, if it is known */
export function runWork(spec: unknown, status: Pick<PipelineRunStatus, 'steps'> | undefined): readonly StepWork[] {
  const known = new Map((status?.steps ?? []).map((step) => [step.name, step]))
  const written = [...itemsOf(fieldOf(spec, 'steps')), ...itemsOf(fieldOf(spec, 'finally'))].flatMap((step) => {
    const name = textOf(fieldOf(step, 'name'))
    if (name === undefined) return []
    return [{ name, type: types.find((type) => fieldOf(step, type) !== undefined) ?? 'unknown', ...mediaTypesOf(step) }]
  })
  const names = new Set(written.map(({ name }) => name))
  const others = [...known.keys()].filter((name) => !names.has(name)).map((name): (typeof written)[number] => ({ name, type: 'unknown' }))
  return [...written, ...others].map(({ name, ...about }): StepWork => {
    const { name: _name, items, phase = 'Waiting', ...rest } = { phase: undefined, items: undefined, name, ...known.get(name) }
    const phases = items === undefined ? undefined : decodePhases(items)
    return { step: name, ...about, phase, ...present(rest), ...(phases === undefined ? {} : { items: phases }) }
  })
}

function mediaTypesOf(step: unknown): Pick<StepWork, 'mediaTypes'> {
  const said = itemsOf(fieldOf(step, 'outputs')).flatMap((output) => {
    const [name, mediaType] = [textOf(fieldOf(output, 'name')), textOf(fieldOf(output, 'mediaType'))]
    return name === undefined || mediaType === undefined ? [] : [[name, mediaType] as const]
  })
  return said.length === 0 ? {} : { mediaTypes: new Map(said) }
}

/** The pieces behind a position, one after the other; the first is the one that it is within. */
export function* piecesBehind(
  work: readonly StepWork[],
  position: WorkPosition | undefined,
  { step, phase }: WorkFilter = {},
): Generator<WorkPiece> {
  const start = position === undefined ? 0 : work.findIndex((each) => each.step === position.step)
  // A step that there is no longer stood nowhere.
  for (let at = Math.max(0, start); at < work.length; at += 1) {
    const each = work[at]
    if (each === undefined || (step !== undefined && each.step !== step)) continue
    const behind = at === start ? position : undefined
    for (const piece of piecesOfStep(each, behind)) if (phase === undefined || piece.phase === phase) yield piece
  }
}

function* piecesOfStep(work: StepWork, behind: WorkPosition | undefined): Generator<WorkPiece> {
  if (work.items === undefined) {
    if (behind === undefined || behind.parts > 0) yield { work, phase: work.phase }
    return
  }
  // Who was told of the step as a whole has not heard of its instances.
  const first = behind?.item === undefined ? 0 : behind.item + (behind.parts > 0 ? 0 : 1)
  for (let item = first; item < work.items.length; item += 1) yield { work, item, phase: work.items[item] ?? 'Waiting' }
}

/** `train`, `train:17`, `train:17+3`. */
export function positionText({ step, item, parts }: WorkPosition): string {
  return `${step}${item === undefined ? '' : `:${item}`}${parts === 0 ? '' : `+${parts}`}`
}

/** Undefined for a text that {@link positionText} never writes. */
export function readPosition(text: string): WorkPosition | undefined {
  const [, step, item, parts] = /^([a-z0-9][-a-z0-9]{0,39})?(?::(\d{1,5}))?(?:\+(\d{1,3}))?$/.exec(text) ?? []
  if (step === undefined) return undefined
  return { step, ...(item === undefined ? {} : { item: Number(item) }), parts: Number(parts ?? 0) }
}

function present<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
