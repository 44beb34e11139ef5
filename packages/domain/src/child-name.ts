/** Names of children: a function of the parent and the purpose, so that making one twice is making one. */
import { fraction } from './scheduling/retry.ts'

const maxLength = 63

/** `<parent>-<purpose>-<hash of detail>`, cut to 63 characters; the hash keeps cut names apart. */
export function childName(parent: string, purpose: string, detail: string): string {
  const hash = [detail, `${detail} ${parent}`]
    .map((text) =>
      Math.floor(fraction(text) * 2 ** 32)
        .toString(36)
        .padStart(7, '0'),
    )
    .join('')
    .slice(0, 10)
  const tail = `-${purpose}-${hash}`
  return `${parent.slice(0, maxLength - tail.length).replace(/[-.]+$/, '')}${tail}`
}
