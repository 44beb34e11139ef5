/** The address of a source as it may be shown in a status, an event or an error: without user info, query and fragment. */
export function shownUri(uri: string): string {
  const url = URL.parse(uri)
  return url === null ? 'the source' : `${url.protocol}//${url.host}${url.pathname}`
}
