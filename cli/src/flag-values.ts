/** How values of flags are read: once or several times, as text or as a number. */
import { InvalidArgumentError } from 'commander'

/** Collects a flag that may be repeated. */
export function all(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}

/** @throws InvalidArgumentError for what is no number */
export function number(value: string): number {
  const parsed = Number(value)
  if (value.trim() === '' || Number.isNaN(parsed)) throw new InvalidArgumentError('it must be a number')
  return parsed
}

/** @throws InvalidArgumentError for what is no whole number, or less than `least` */
export const wholeNumber =
  (least: number) =>
  (value: string): number => {
    if (/^\d{1,9}$/.test(value) && Number(value) >= least) return Number(value)
    throw new InvalidArgumentError(`it must be a whole number from ${least} on`)
  }
