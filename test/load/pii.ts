/**
 * Benchmark `pii`: how long 1 MB of text takes in a thread, and what the event loop feels of it.
 *
 * The text is chat and dataset records from the labelled corpus, one after the other, in which every third line holds personal
 * data. The loop's lag is how late a timer of one millisecond fires while the texts are read. Adversarial texts are made of whatever makes a
 * finder begin and give up.
 */
import { loadavg } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { findPii, openPiiThreads } from '@mnemos/pii'
import { casesOf } from '../../hack/pii/corpus.ts'

/** Of UTF-8. */
const bytes = 1_000_000
const rounds = 40
const prose = 'The model answers in a few sentences what was asked, and says so when it does not know the answer to a question. '

export async function run(log: (line: string) => void): Promise<Record<string, unknown>> {
  const text = record(casesOf('tuning').map(({ text: line }) => line))
  const threads = openPiiThreads({ threads: 1, deadlineMs: 60_000 })
  try {
    await threads.warm()
    for (let round = 0; round < 5; round += 1) await threads.find(text)
    log(`reading ${rounds} texts of ${bytes} bytes in a thread`)
    const lag = monitorEventLoopDelay({ resolution: 1 })
    lag.enable()
    const times: number[] = []
    let matches = 0
    for (let round = 0; round < rounds; round += 1) {
      const begin = performance.now()
      matches = (await threads.find(text)).length
      times.push(performance.now() - begin)
    }
    lag.disable()
    log('reading adversarial texts')
    const adversarial = await worst((hostile) => threads.find(hostile), log)
    return {
      ms_per_mb: rounded(quantile(times, 0.5)),
      ms_per_mb_p99: rounded(quantile(times, 0.99)),
      loop_lag_p99_ms: rounded(lag.percentile(99) / 1e6),
      loop_lag_max_ms: rounded(lag.max / 1e6),
      adversarial_ms_per_mb: rounded(adversarial.ms),
      adversarial_cpu_ms_per_mb: rounded(adversarial.cpuMs),
      adversarial_text: adversarial.name,
      matches,
      ms_inline_4_kb: rounded(inline(text.slice(0, 4096))),
      conditions: {
        bytes,
        rounds,
        threads: 1,
        load_average_1m: rounded(loadavg()[0] ?? 0),
        text: 'corpus lines between two sentences of prose',
      },
    }
  } finally {
    await threads.close()
  }
}

/** Lines with two sentences between them, until the text is long enough. */
function record(lines: readonly string[]): string {
  let text = ''
  for (let at = 0; text.length < bytes; at += 1) text += `${lines[at % lines.length] ?? ''}\n${prose}${prose}\n`
  return cut(text)
}

const cut = (text: string): string => Buffer.from(text).subarray(0, bytes).toString()

const hostile: Readonly<Record<string, string>> = {
  digits: '1',
  'digits in groups': '1234 ',
  'single digits': '1 ',
  signs: '@',
  'labels without end': 'a.',
  'addresses cut off': 'a@a.',
  colons: ':',
  'hex groups': 'a:',
  'double colons': 'ab::',
  'houses and streets': '1 A Street ',
  streets: 'Rue de ',
  'numbers and names': '12 A B C D E ',
  'words for telephones': 'tel 1234567 ',
  'account numbers cut off': 'DE89 3704 0044 0532 ',
  brackets: '(0',
  plus: '+49 ',
  'machine-readable': 'L898902C36UTO7408122F1204159',
  dense: '市区町1',
  escapes: '\\u0031',
  joiners: '1\u200b',
  'words for passports': 'passport X1234567 ',
  dots: '1.2.3.',
}

interface Worst {
  readonly ms: number
  /** Of the whole process, its collector included. */
  readonly cpuMs: number
  readonly name: string
}

async function worst(find: (text: string) => Promise<unknown>, log: (line: string) => void): Promise<Worst> {
  let found: Worst = { ms: 0, cpuMs: 0, name: '' }
  for (const [name, part] of Object.entries(hostile)) {
    const text = part.repeat(Math.ceil(bytes / Buffer.byteLength(part)))
    await find(text)
    const times: number[] = []
    const before = process.cpuUsage()
    for (let round = 0; round < 5; round += 1) {
      const begin = performance.now()
      await find(text)
      times.push(performance.now() - begin)
    }
    const { user, system } = process.cpuUsage(before)
    const each = { ms: quantile(times, 0.5), cpuMs: (user + system) / 5000, name }
    log(`${name}: ${rounded(each.ms)} ms, ${rounded(each.cpuMs)} ms of processor time`)
    if (each.cpuMs > found.cpuMs) found = each
  }
  return found
}

function inline(text: string): number {
  for (let round = 0; round < 100; round += 1) findPii(text)
  const begin = performance.now()
  for (let round = 0; round < 100; round += 1) findPii(text)
  return (performance.now() - begin) / 100
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

const rounded = (value: number): number => Math.round(value * 100) / 100
