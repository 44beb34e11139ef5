import assert from 'node:assert/strict'
import { test } from 'node:test'
import { candidatesIn } from './find.ts'
import { read } from './reading.ts'

/** How many units of a text the finders look at, counted, not timed. */
function looksAt(text: string): number {
  const reading = read(text)
  let looks = 0
  const codes = new Proxy(reading.codes, {
    get: (target, key) => {
      if (typeof key === 'string' && /^\d+$/.test(key)) looks += 1
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  candidatesIn({ ...reading, codes })
  return looks
}

const hostile = [
  ...[
    '1',
    '1234 ',
    '1 ',
    '@',
    'a.',
    'a@a.',
    ':',
    'a:',
    'ab::',
    '::',
    '1 A Street ',
    'Rue de ',
    '12 A B C D E ',
    'tel 1234567 ',
    'DE89 3704 0044 0532 ',
  ],
  ...[
    '(0',
    '+49 ',
    'L898902C36UTO7408122F1204159',
    '市区町1',
    '市',
    '\\u0031',
    '1\u200b',
    'passport X1234567 ',
    '1.2.3.',
    'Hauptstraße ',
    'Hauptstraße 5, ',
    'Via A ',
    'PO Box 1 ',
  ],
  ...['4111 1111 1111 111', '123-45-', 'A-', '12-', 'St ', 'Apt 1 ', 'IL 6', 'x', ' ', '\ud835', 'ß', 'P<', '<', '0.', '2001:db8:'],
]

for (const part of hostile)
  test(`twice as much of ${JSON.stringify(part)} takes twice as many looks, and no more than a bounded number for each unit`, () => {
    const once = looksAt(part.repeat(Math.ceil(3000 / part.length)))
    const twice = looksAt(part.repeat(2 * Math.ceil(3000 / part.length)))
    assert.ok(twice <= 2.1 * once + 500, `${once} looks became ${twice}`)
    assert.ok(twice <= 120 * 6000, `${twice} looks for 6,000 units`)
  })
