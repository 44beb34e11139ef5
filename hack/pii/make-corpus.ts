/**
 * `node hack/pii/make-corpus.ts`: writes the labelled corpus anew: seeded, so that it comes out the same each time.
 *
 * Values come from generators that know nothing of the finder (faker, the example numbers of libphonenumber); the two halves have other
 * seeds, other sentences and other countries where there are enough. All data is invented. The held-out half is for measuring only.
 */
import { writeFileSync } from 'node:fs'
import { type Case, type Half, halves, pathOf } from './corpus.ts'
import { type Chance, chanceOf } from './corpus-chance.ts'
import { nearMisses } from './corpus-near-misses.ts'
import { sentences } from './corpus-sentences.ts'
import { values } from './corpus-values.ts'

const positives = 90
const negatives = 45
/** Counted up when figures of the held-out half led to a change, so that they are of cases that nothing was changed for. */
const round = 4

function casesFor(half: Half): readonly Case[] {
  return (Object.keys(values) as Case['entity'][]).flatMap((entity) => {
    const chance = chanceOf(`${half} ${entity} ${round}`)
    const own = halfOf(sentences[entity], half)
    const found = Array.from({ length: positives }, () => filled(entity, chance.pick(own), values[entity], chance, half))
    const texts = halfOf(nearMisses[entity], half)
    const missed = Array.from({ length: negatives }, (_, index) => ({
      entity,
      text: (texts[index % texts.length] ?? (() => ''))(chance),
      spans: [],
    }))
    return [...found, ...unique(missed)]
  })
}

const unique = (cases: readonly Case[]): readonly Case[] => [...new Map(cases.map((each) => [each.text, each])).values()]

/** Of a list the even places are for tuning, the odd ones held out. */
const halfOf = <T>(list: readonly T[], half: Half): readonly T[] => list.filter((_, index) => index % 2 === halves.indexOf(half))

function filled(entity: Case['entity'], sentence: string, value: (chance: Chance, half: Half) => string, chance: Chance, half: Half): Case {
  const spans: [number, number][] = []
  let text = ''
  for (const [index, part] of sentence.split('{}').entries()) {
    if (index > 0) {
      const inserted = value(chance, half)
      spans.push([text.length, text.length + inserted.length])
      text += inserted
    }
    text += part
  }
  return { entity, text, spans }
}

for (const half of halves) {
  const lines = casesFor(half).map((each) => JSON.stringify(each))
  writeFileSync(pathOf(half), `${lines.join('\n')}\n`)
  process.stdout.write(`${pathOf(half)}: ${lines.length} cases\n`)
}
