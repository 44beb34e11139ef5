/** The table in docs/pii.md: how much of the labelled corpus is found, and how much of what is found is right. */
import { readFile } from 'node:fs/promises'
import { type Half, scoresOf } from '../pii/corpus.ts'

const page = 'docs/pii.md'
const marked = /<!-- figures:start -->[\s\S]*<!-- figures:end -->/

export async function generate(): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(page, 'utf8')
  if (!marked.test(text)) throw new Error(`${page} has no place for the figures: <!-- figures:start --> and <!-- figures:end -->`)
  return new Map([[page, text.replace(marked, `<!-- figures:start -->\n${table()}\n<!-- figures:end -->`)]])
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
