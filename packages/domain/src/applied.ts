/**
 * Whether an object is as it was last applied, so that looking at it again costs no write.
 *
 * A mark on the object says what was applied; the fields are compared as well, so that a change by another hand is taken
 * back. What the API server or others added is nobody's business here.
 */
import type { KubeObject } from '@mnemos/kube'
import { fraction } from './scheduling/retry.ts'

/** Annotation: hash of what was applied last. */
export const appliedAnnotation = 'mnemos.dev/applied'

/** The object with the mark of what it is. */
export function marked<T extends KubeObject>(object: T): T {
  const text = JSON.stringify(object)
  const hash = [text, `${text} again`].map((each) => Math.floor(fraction(each) * 2 ** 32).toString(36)).join('')
  return { ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [appliedAnnotation]: hash } } }
}

/** Those of the wanted objects, marked, that are not there as they are wanted. */
export function needed<T extends KubeObject>(wanted: T, found: KubeObject | undefined): readonly T[] {
  const object = marked(wanted)
  if (found === undefined) return [object]
  const isNew = found.metadata.annotations?.[appliedAnnotation] !== object.metadata.annotations?.[appliedAnnotation]
  return isNew || !holds(found, object) ? [object] : []
}

/** Whether every field of `wanted` is in `found`. Lists are compared item by item: defaults may stand in their items, too. */
function holds(found: unknown, wanted: unknown): boolean {
  if (wanted === undefined || Object.is(found, wanted)) return true
  if (Array.isArray(wanted))
    return Array.isArray(found) && found.length === wanted.length && wanted.every((item, index) => holds(found[index], item))
  if (typeof wanted === 'object' && wanted !== null) {
    if (typeof found !== 'object' || found === null) return Object.keys(wanted).length === 0
    const fields = found as Readonly<Record<string, unknown>>
    return Object.entries(wanted).every(([key, value]) => holds(fields[key], value))
  }
  return isSameAmount(found, wanted)
}

/** The API server writes amounts its own way: 1000m is 1. */
function isSameAmount(a: unknown, b: unknown): boolean {
  const [left, right] = [amountOf(a), amountOf(b)]
  // 1100m and 1.1 are not the same double.
  return left !== undefined && right !== undefined && Math.abs(left - right) <= 1e-9 * Math.max(left, right)
}

const factors: Readonly<Record<string, number>> = {
  ...{ '': 1, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 },
}

/** What a quantity of Kubernetes amounts to, or undefined for what is none. */
export function amountOf(quantity: unknown): number | undefined {
  if (typeof quantity === 'number') return quantity
  if (typeof quantity !== 'string') return undefined
  const [, digits, unit = ''] = /^([0-9]+(?:\.[0-9]+)?)([A-Za-z]{0,2})$/.exec(quantity) ?? []
  const factor = factors[unit]
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor
}
