/** Names and fields as a log shows them. The API server looks at both only after us, so they may still be of any length. */
const maxName = 253
const maxField = 512

export function loggedName(name: string | undefined): string | undefined {
  return name === undefined ? undefined : cut(name, maxName)
}

export function loggedField(field: string): string {
  return cut(field, maxField)
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}
