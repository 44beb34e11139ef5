/**
 * Quantities of Kubernetes (`500m`, `2Gi`, `1e3`), exactly: in thousandths of a thousandth of a thousandth, as whole numbers.
 * Source: the grammar in k8s.io/apimachinery/pkg/api/resource, whose finest unit is nano.
 */
const decimal: Readonly<Record<string, number>> = { n: 0, u: 3, m: 6, '': 9, k: 12, M: 15, G: 18, T: 21, P: 24, E: 27 }
const binary: Readonly<Record<string, bigint>> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n }
const shape = /^([+-]?)([0-9]{0,30})(?:\.([0-9]{0,30}))?(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{1,2}))?$/

/** Billionths, rounded up to a whole one; undefined for what is no quantity. */
export function nanosOf(quantity: unknown): bigint | undefined {
  if (typeof quantity !== 'string' && typeof quantity !== 'number') return undefined
  const [matched, sign, whole = '', fraction = '', unit = '', exponent] = shape.exec(String(quantity)) ?? []
  if (matched === undefined || whole + fraction === '') return undefined
  const digits = BigInt(whole + fraction)
  const shift = binary[unit]
  const power = (shift === undefined ? (decimal[unit] ?? 9) : 9) + Number(exponent ?? 0) - fraction.length
  const scaled = digits << (shift ?? 0n)
  const nanos = power >= 0 ? scaled * 10n ** BigInt(power) : (scaled + 10n ** BigInt(-power) - 1n) / 10n ** BigInt(-power)
  return sign === '-' ? -nanos : nanos
}
