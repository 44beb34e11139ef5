/** The tables in docs/pii.md: how much of the labelled corpus is found, how much of what is found is right, and what of it in disguise. */
import { readFile } from 'node:fs/promises'
import { type Half, scoresOf } from '../pii/corpus.ts'
import { disguiseTable } from '../pii/disguises.ts'

const page = 'docs/pii.md'

export async function generate(): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(page, 'utf8')
  return new Map([[page, filled(filled(text, 'figures', table()), 'disguises', disguiseTable())]])
}

/** The text with what stands between two marks replaced. @throws when the marks are not there */
function filled(text: string, mark: string, content: string): string {
  const [start, end] = [`<!-- ${mark}:start -->`, `<!-- ${mark}:end -->`]
  const [from, to] = [text.indexOf(start), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${page} has no place for the ${mark}: ${start} and ${end}`)
  return `${text.slice(0, from)}${start}\n${content}\n${text.slice(to)}`
}

function table(): string {
  const of = (half: Half) => new Map(scoresOf(half).map((score) => [score.entity, score]))
  const tuning = of('tuning')
  const rows = [...of('held-out').values()].map(({ entity, cases, nearMisses, recall, precision }) => {
    const other = tuning.get(entity)
    return `| ${entity} | ${cases + (other?.cases ?? 0)} | ${cases} | ${nearMisses} | **${recall.toFixed(3)}** | **${precision.toFixed(3)}** | ${other?.recall.toFixed(3)} / ${other?.precision.toFixed(3)} |`
  })
  return [
    '| Kind | Cases | Held out | of these near misses | Recall, held out | Precision, held out | Recall / precision, tuning |',
    '|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}
