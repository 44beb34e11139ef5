/** `{id}` of the contract as `:id` of the HTTP framework; `{key}` takes the rest of the path. */
export function fastifyPath(path: string): string {
  return path.replace('{key}', '*').replace(/\{(\w+)\}/g, ':$1')
}
