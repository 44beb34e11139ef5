/** `node hack/pii/judge-tuning.ts [Entity]`: what the finder gets wrong in the tuning half, and the figures of it. Never shows the held-out half. */
import { casesOf, judge, scoresOf } from './corpus.ts'

const only = process.argv[2]
for (const each of casesOf('tuning').filter(({ entity }) => only === undefined || entity === only)) {
  const { missed, wrong } = judge(each)
  for (const [start, end] of missed)
    process.stdout.write(`${each.entity} missed  ${JSON.stringify(each.text.slice(start, end))} in ${JSON.stringify(each.text)}\n`)
  for (const { start, end } of wrong)
    process.stdout.write(`${each.entity} wrong   ${JSON.stringify(each.text.slice(start, end))} in ${JSON.stringify(each.text)}\n`)
}
for (const { entity, cases, nearMisses, recall, precision } of scoresOf('tuning'))
  process.stdout.write(
    `${entity.padEnd(14)} ${cases} cases, ${nearMisses} near misses, recall ${recall.toFixed(3)}, precision ${precision.toFixed(3)}\n`,
  )
