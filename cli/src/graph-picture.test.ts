import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dotOf, mermaidOf } from './graph-picture.ts'
import { aRun } from './pipelines.test-kit.ts'
import { shownSteps } from './run-steps.ts'

const spec = {
  steps: [
    { name: 'a', gate: { expression: 'true' } },
    { name: 'b', dependsOn: ['a'], forEach: { items: [1, 2] }, inference: {} },
  ],
  finally: [{ name: 'end', container: {} }],
}

test('a pipeline for Graphviz', () => {
  assert.equal(
    dotOf('p', shownSteps(spec), false),
    `digraph "p" {
  node [shape=box]
  "a" [label="a\\ngate"]
  "b" [label="b\\ninference, for each item"]
  "end" [label="end\\ncontainer"]
  "a" -> "b"
  "b" -> "end"
}
`,
  )
})

test('a run for Mermaid, with phases and counts', () => {
  const run = aRun('Running', [
    { name: 'a', phase: 'Succeeded' },
    { name: 'b', phase: 'Running', items: 'S1R1' },
  ])
  assert.equal(
    mermaidOf(shownSteps(spec, run), true),
    `flowchart TD
  s0["a<br/>gate<br/>Succeeded"]
  s1["b<br/>inference, for each item<br/>Running 1/2"]
  s2["end<br/>container<br/>Waiting"]
  s0 --> s1
  s1 --> s2
  classDef Succeeded fill:#d3f2d3
  class s0 Succeeded
  classDef Running fill:#cfe8ff
  class s1 Running
  classDef Waiting fill:#ffffff
  class s2 Waiting
`,
  )
})
