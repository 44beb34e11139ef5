/** Keywords about the value itself: type, enum and const, numbers, texts. */
import type { Place } from './evaluate.ts'
import { isMultipleOf, isOfType, lengthOf } from './json.ts'
import { nearestOf } from './suggestion.ts'

const maxListed = 12
const maxShown = 64

export function judgeType({ node: { types }, instance, fail }: Place): void {
  if (types === undefined) return
  for (const type of types) if (isOfType(instance.value, type)) return
  const expected = [...types].join(' or ')
  fail('type', `must be ${withArticle(expected)}`, { expected })
}

function withArticle(words: string): string {
  return words === 'null' ? words : `${/^[aio]/.test(words) ? 'an' : 'a'} ${words}`
}

export function judgeChoices({ node, instance, judging, fail }: Place): void {
  for (const { keyword, choice } of node.choices ?? []) {
    judging.spend(1)
    if (choice.texts.has(instance.text)) continue
    const shown = [...choice.texts].slice(0, maxListed).map((text) => (text.length > maxShown ? `${text.slice(0, maxShown)}…` : text))
    const more = choice.texts.size > maxListed ? ` and ${choice.texts.size - maxListed} more` : ''
    const expected = `${shown.join(', ')}${more}`
    const { value } = instance
    fail(keyword, keyword === 'const' ? `must be ${expected}` : `must be one of ${expected}`, {
      expected,
      suggest: () => {
        if (typeof value !== 'string') return undefined
        const meant = nearestOf(
          value,
          choice.values.filter((each) => typeof each === 'string'),
        )
        return meant === undefined ? undefined : `did you mean "${meant}"?`
      },
    })
  }
}

export function judgeNumber({ node, instance, fail }: Place): void {
  const value = Number(instance.value)
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = node
  const wants = (keyword: string, expected: string): void => fail(keyword, `must be ${expected}`, { expected })
  if (minimum !== undefined && value < minimum) wants('minimum', `at least ${minimum}`)
  if (maximum !== undefined && value > maximum) wants('maximum', `at most ${maximum}`)
  if (exclusiveMinimum !== undefined && value <= exclusiveMinimum) wants('exclusiveMinimum', `more than ${exclusiveMinimum}`)
  if (exclusiveMaximum !== undefined && value >= exclusiveMaximum) wants('exclusiveMaximum', `less than ${exclusiveMaximum}`)
  if (multipleOf !== undefined && !isMultipleOf(value, multipleOf)) wants('multipleOf', `a multiple of ${multipleOf}`)
}

export function judgeText({ node, instance, judging, fail }: Place): void {
  const { minLength, maxLength, pattern, format } = node
  const text = String(instance.value)
  if (minLength !== undefined || maxLength !== undefined) {
    judging.spend(text.length >> 6)
    const length = lengthOf(text)
    const found = `${length} characters`
    if (minLength !== undefined && length < minLength)
      fail('minLength', `must have at least ${minLength} characters`, { expected: `at least ${minLength} characters`, found })
    if (maxLength !== undefined && length > maxLength)
      fail('maxLength', `must have at most ${maxLength} characters`, { expected: `at most ${maxLength} characters`, found })
  }
  if (pattern !== undefined) {
    judging.spend(costOfMatch(text, pattern.source))
    if (!pattern.matches(text)) fail('pattern', `must match ${pattern.source}`, { expected: `a text that matches ${pattern.source}` })
  }
  if (format !== undefined) {
    judging.spend(1 + (text.length >> 4))
    if (!format.check(text)) fail('format', `must be a valid ${format.name}`, { expected: format.name })
  }
}

/** Matching takes time in proportion to the text and to the pattern. */
export function costOfMatch(text: string, pattern: string): number {
  return 1 + Math.ceil((text.length * (8 + pattern.length)) / 64)
}
