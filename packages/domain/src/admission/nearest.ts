/** The name of an object that somebody most likely meant. Bounded: cheap in a namespace with thousands of objects. */
import { suggest } from '@mnemos/api'

const maxCandidates = 2000
const leastPrefix = 3

/** The candidate within a few slips of the name, otherwise the first that goes on where the name was cut short. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const looked = candidates.slice(0, maxCandidates)
  return suggest(name, looked) ?? looked.find((candidate) => name.length >= leastPrefix && candidate.startsWith(name))
}
