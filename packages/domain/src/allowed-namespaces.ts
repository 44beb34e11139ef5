/** The wall between namespaces: who outside an object's own namespace may use it. */

export interface AllowedNamespaces {
  readonly from: 'Same' | 'Selector' | 'All'
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> | undefined } | undefined
}

/** A namespace and its labels, as far as they are known. */
export interface NamespaceLabels {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

/**
 * Whether objects of `user` may use an object of the namespace `home`.
 * A selector without labels matches every namespace, as selectors do in Kubernetes.
 */
export function mayUse(allowed: AllowedNamespaces, home: string, user: NamespaceLabels): boolean {
  if (user.name === home || allowed.from === 'All') return true
  if (allowed.from !== 'Selector' || allowed.selector === undefined) return false
  return selects(allowed.selector, user)
}

/** Whether a selector of namespaces takes this one; without a selector every namespace is taken. */
export function selects(selector: AllowedNamespaces['selector'], { labels }: NamespaceLabels): boolean {
  return Object.entries(selector?.matchLabels ?? {}).every(([label, value]) => labels[label] === value)
}
