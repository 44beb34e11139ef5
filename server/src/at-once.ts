/** Does something with each item, so many at once, and answers in their order. */
export async function atOnce<T, R>(items: readonly T[], most: number, work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const take = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      const item = items[index] as T // within the list
      results[index] = await work(item, index)
    }
  }
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, take))
  return results
}
