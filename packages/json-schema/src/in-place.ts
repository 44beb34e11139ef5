/**
 * Finds schemas that apply themselves to the same place of a value again: judging by them would never end. Also bounds how
 * many schemas lie on top of one another at one place, and with it the depth of evaluation.
 */
import type { SchemaFinding } from './finding.ts'
import { inPlaceOf, type SchemaNode } from './node.ts'

/** Findings about schemas that never look deeper. @param maxHeight most schemas on top of one another */
export function inPlaceFindings(nodes: readonly SchemaNode[], maxHeight: number): readonly SchemaFinding[] {
  const heights = new Map<SchemaNode, number>()
  const open = new Set<SchemaNode>()
  const findings: SchemaFinding[] = []
  const tell = (node: SchemaNode, keyword: string, message: string): void => {
    if (!findings.some(({ pointer }) => pointer === node.pointer))
      findings.push({ pointer: node.pointer, schemaPointer: node.pointer, keyword, message })
  }
  const heightOf = (node: SchemaNode): number => {
    const known = heights.get(node)
    if (known !== undefined) return known
    if (open.has(node)) {
      tell(node, '$ref', 'refers to itself without looking deeper into the value; judging by it would never end')
      return 0
    }
    if (open.size > 2 * maxHeight) return maxHeight + 1
    open.add(node)
    let height = 0
    for (const each of inPlaceOf(node)) height = Math.max(height, heightOf(each))
    open.delete(node)
    height += 1
    heights.set(node, height)
    return height
  }
  for (const node of nodes) {
    if (heightOf(node) > maxHeight && findings.length === 0)
      tell(node, 'bound', `more than ${maxHeight} schemas apply on top of one another at one place; make the chain of references shorter`)
    if (findings.length > 0) break
  }
  return findings
}
