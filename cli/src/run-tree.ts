/**
 * A run, or a pipeline that nobody runs, as a tree of text: one line for each step, whatever its number of instances.
 *
 * Pure: the width, the time and the colours come in as values. No line is longer than the width, no character of a message moves the cursor,
 * and every phase has a mark of its own, so that nothing is lost without colours.
 */
import type { StepPhase } from '@mnemos/domain'
import { bar, span } from './output.ts'
import { isOver, type ShownRun, type ShownStep, summaryOf } from './run-steps.ts'
import { layOut, type PlacedStep } from './step-layout.ts'
import type { Colour } from './terminal.ts'

export interface TreeOptions {
  /** Characters in a line. */
  readonly width: number
  /** ms since 1970. */
  readonly now: number
  readonly paint: (colour: Colour, text: string) => string
  /** Most lines; steps of which less is to be told give way. */
  readonly height?: number
}

const marks: Readonly<Record<StepPhase, readonly [string, Colour]>> = {
  Waiting: ['○', 'grey'],
  Running: ['●', 'cyan'],
  Succeeded: ['✓', 'green'],
  Failed: ['✗', 'red'],
  Cancelled: ['■', 'yellow'],
  Skipped: ['–', 'grey'],
}
const decisionMark: readonly [string, Colour] = ['?', 'yellow']

const skipped = {
  Upstream: 'skipped: a step before it failed',
  Condition: 'skipped: its condition did not hold',
  NoOutput: 'skipped: an output that it refers to was not made',
  RunEnded: 'skipped: the run ended first',
} as const

/** The lines of a run: how it is as a whole, then its steps. */
export function runTree(run: ShownRun, steps: readonly ShownStep[], options: TreeOptions): readonly string[] {
  const head = runHead(run, options)
  const room = options.height === undefined ? undefined : Math.max(1, options.height - head.length)
  return [...head, ...stepTree(steps, { ...options, ...(room === undefined ? {} : { height: room }) }, run)]
}

/** The lines of the steps alone. */
export function stepTree(steps: readonly ShownStep[], options: TreeOptions, run?: ShownRun): readonly string[] {
  const usual = layOut(steps.filter(({ isFinal }) => !isFinal))
  const last = layOut(steps.filter(({ isFinal }) => isFinal))
  const placed = [...usual, ...last]
  const kept = fitting(placed, options.height)
  const widths = columnsOf(kept, options.width)
  const phases = new Map(steps.map(({ name, phase }) => [name, phase]))
  const line = (each: PlacedStep<ShownStep>): string => stepLine(each, { widths, phases, options, run })
  const [first, others] = [kept.filter(({ step }) => !step.isFinal), kept.filter(({ step }) => step.isFinal)]
  const heading = others.length === 0 ? [] : [options.paint('grey', 'finally')]
  return [...first.map(line), ...heading, ...others.map(line), ...hiddenLine(placed, kept, options)]
}

function runHead(run: ShownRun, { now, paint, width }: TreeOptions): readonly string[] {
  const { status } = run
  const phase = status?.phase ?? 'Pending'
  const began = Date.parse(status?.startedAt ?? '')
  const ended = Date.parse(status?.finishedAt ?? '')
  const time = Number.isNaN(began) ? undefined : span((Number.isNaN(ended) ? now : ended) - began)
  const progress = status?.progress === undefined ? undefined : `${status.progress.jobs} done, ${status.progress.percent} %`
  const title = `${run.metadata.name}  ${phase}`
  const rest = [progress, time].filter((part) => part !== undefined)
  const line = cut([title, ...rest].join('  '), width)
  const painted = line.replace(`  ${phase}`, `  ${paint(colourOfPhase[phase] ?? 'grey', phase)}`)
  const message = summaryOf(run)?.message ?? ''
  const isTold = message !== '' && phase !== 'Running' && phase !== 'Succeeded'
  return isTold ? [painted, paint('grey', cut(plain(message), width))] : [painted]
}

const colourOfPhase: Readonly<Record<string, Colour>> = {
  Running: 'cyan',
  Paused: 'yellow',
  Succeeded: 'green',
  Failed: 'red',
  Cancelled: 'yellow',
}

interface Widths {
  readonly name: number
  /** 0: there is no room for it. */
  readonly type: number
}

function columnsOf(placed: readonly PlacedStep<ShownStep>[], width: number): Widths {
  const longest = Math.max(0, ...placed.map(({ prefix, step }) => prefix.length + step.name.length))
  const name = Math.min(longest, Math.max(12, Math.floor(width / 2)))
  return { name, type: width < 60 ? 0 : Math.max(0, ...placed.map(({ step }) => step.type.length)) }
}

interface LineContext {
  readonly widths: Widths
  readonly phases: ReadonlyMap<string, StepPhase>
  readonly options: TreeOptions
  readonly run: ShownRun | undefined
}

function stepLine({ step, prefix }: PlacedStep<ShownStep>, context: LineContext): string {
  const { widths, options, run } = context
  const [mark, colour] = run === undefined ? (['○', 'cyan'] as const) : step.needsDecision ? decisionMark : marks[step.phase]
  const name = cut(step.name, Math.max(1, widths.name - prefix.length)).padEnd(Math.max(0, widths.name - prefix.length))
  const time = run === undefined ? '' : timeOf(step, options.now)
  const fields = [...(widths.type === 0 ? [] : [step.type.padEnd(widths.type)]), ...(run === undefined ? [] : [time.padEnd(6)])]
  const before = `${prefix}${mark} ${name}`
  const text = [...fields, plain(detailOf(step, context))].join('  ').trimEnd()
  const room = options.width - before.length - 2
  const rest = room < 4 ? '' : cut(text, room)
  return `${options.paint('grey', prefix)}${options.paint(colour, mark)} ${name}${rest === '' ? '' : `  ${rest}`}`.trimEnd()
}

function timeOf({ startedAt, finishedAt, phase }: ShownStep, now: number): string {
  const isOpen = phase === 'Running' || phase === 'Waiting'
  if (startedAt === undefined || (finishedAt === undefined && !isOpen)) return ''
  return span((finishedAt ?? now) - startedAt)
}

/** What there is to say of a step beyond its phase. */
function detailOf(step: ShownStep, { phases, run, options }: LineContext): string {
  const waits = step.after.filter((name) => phases.get(name) === 'Waiting' || phases.get(name) === 'Running')
  if (run === undefined)
    return [step.isFan ? 'for each item' : '', step.after.length > 1 ? afterThese(step.after) : ''].filter(Boolean).join(', ')
  if (step.needsDecision) return `waits for you: mnemos pipelines approve ${run.metadata.name} ${step.name}`
  const told = step.message ?? (step.why === undefined ? undefined : skipped[step.why])
  const counted = step.counts === undefined ? undefined : countsLine(step.counts, options.width)
  if (counted !== undefined || told !== undefined) return [counted, told].filter((part) => part !== undefined).join('  ')
  if (step.keptFrom !== undefined) return `kept from ${step.keptFrom}`
  return step.phase === 'Waiting' && waits.length > 0 && !isOver(run) ? afterThese(waits) : ''
}

function afterThese(names: readonly string[]): string {
  const more = names.length - 3
  return `after ${names.slice(0, 3).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

/** `████░░░░ 4210/10000, 72 running, 3 failed`, as short for two instances as for ten thousand. */
export function countsLine(counts: NonNullable<ShownStep['counts']>, width: number): string {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const ended = all - (counts.Waiting ?? 0) - (counts.Running ?? 0)
  const others = [
    ['running', counts.Running],
    ['failed', counts.Failed],
    ['cancelled', counts.Cancelled],
    ['skipped', counts.Skipped],
  ] as const
  const told = others.flatMap(([word, count]) => (count === undefined || count === 0 ? [] : [`${count} ${word}`]))
  const drawn = width < 80 || all === 0 ? '' : `${bar((ended / all) * 100, 12)} `
  return `${drawn}${[`${ended}/${all}`, ...told].join(', ')}`
}

/** What is at work or went wrong is told first; what has ended well gives way first. */
const weights: Readonly<Record<StepPhase, number>> = { Failed: 0, Running: 1, Cancelled: 2, Waiting: 3, Skipped: 4, Succeeded: 5 }

function fitting(placed: readonly PlacedStep<ShownStep>[], height: number | undefined): readonly PlacedStep<ShownStep>[] {
  if (height === undefined || placed.length + 1 <= height) return placed
  const weight = ({ step }: PlacedStep<ShownStep>): number => (step.needsDecision ? 0 : weights[step.phase])
  const kept = new Set(placed.toSorted((a, b) => weight(a) - weight(b)).slice(0, Math.max(1, height - 2)))
  // Lines that lead to steps which are not there would say nothing.
  return placed.flatMap((each) => (kept.has(each) ? [{ step: each.step, prefix: '' }] : []))
}

function hiddenLine(
  placed: readonly PlacedStep<ShownStep>[],
  kept: readonly PlacedStep<ShownStep>[],
  { paint, width }: TreeOptions,
): readonly string[] {
  const shown = new Set(kept.map(({ step }) => step))
  const counts = new Map<StepPhase, number>()
  for (const each of placed) if (!shown.has(each.step)) counts.set(each.step.phase, (counts.get(each.step.phase) ?? 0) + 1)
  if (counts.size === 0) return []
  const told = [...counts].map(([phase, count]) => `${count} ${phase.toLowerCase()}`).join(', ')
  return [paint('grey', cut(`… ${placed.length - kept.length} more steps: ${told}`, width))]
}

/** Without characters that a terminal would obey. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu, ' ')
}

/** At most so many characters; a cut is marked. */
export function cut(text: string, width: number): string {
  const characters = Array.from(text)
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`
}
