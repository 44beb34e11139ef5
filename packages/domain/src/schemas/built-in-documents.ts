/** The documents of the built-in Schemas. Each judges the `spec` of its kind. */

type Document = Readonly<Record<string, unknown>>

const runtimeOf = (parameters: Document): Document => ({
  properties: { runtime: { properties: { parameters: { properties: parameters } } } },
})
/** Sizes of contexts, doubling up to the longest. Parameters of an engine are texts. */
const contextsUpTo = (most: number): Document => ({
  enum: Array.from({ length: 18 }, (_, at) => 2 ** at * 512)
    .filter((size) => size <= most)
    .map(String),
})

/** Longest context that each family was made for. */
const contextOf: Readonly<Record<string, number>> = { qwen2: 131_072, llama: 131_072, mistral: 32_768, gpt: 8192 }

/** The original strict form: a known family, its version, a pinned artifact and a runtime; parameters by family. */
export const strictModel: Document = {
  title: 'A Model with nothing left to be detected',
  type: 'object',
  required: ['family', 'version', 'source', 'runtime'],
  properties: {
    family: { enum: Object.keys(contextOf) },
    version: { type: 'string', pattern: '^[0-9]+(b|B)-.*$' },
    source: {
      type: 'object',
      required: ['uri', 'digest'],
      properties: { uri: { type: 'string', format: 'uri' }, digest: { type: 'string', pattern: '^sha256:[a-f0-9]{64}$' } },
    },
    runtime: { type: 'object', required: ['engine'] },
  },
  allOf: Object.entries(contextOf).map(([family, most]) => ({
    if: { properties: { family: { const: family } }, required: ['family'] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
    then: runtimeOf({ contextSize: contextsUpTo(most) }),
  })),
}

/** A Job that says where it waits, how long it may run and how much it may write. */
export const strictJob: Document = {
  title: 'A Job with a queue, a deadline and a bound on its output',
  type: 'object',
  required: ['queue', 'deadlines'],
  properties: {
    deadlines: { required: ['runSeconds'] },
    inference: { properties: { parameters: { type: 'object', required: ['maxTokens'] } }, required: ['parameters'] },
  },
}

/** A Policy whose rules are named so that people find them. */
export const strictPolicy: Document = {
  title: 'A Policy with named rules',
  type: 'object',
  required: ['rules'],
  properties: {
    rules: {
      type: 'array',
      minItems: 1,
      items: { type: 'object', required: ['name'], properties: { name: { type: 'string', minLength: 3 } } },
    },
  },
}

const plainlyNamed = (most: number): Document => ({
  type: 'array',
  maxItems: most,
  items: { type: 'object', required: ['name'], properties: { name: { type: 'string', pattern: '^[a-z][a-z0-9-]*$' } } },
})

/** A Pipeline whose steps have plain names, those at the end too, and are few enough to be read. What they refer to is judged without a Schema. */
export const strictPipeline: Document = {
  title: 'A Pipeline with plainly named steps',
  type: 'object',
  required: ['steps'],
  properties: { steps: { ...plainlyNamed(100), minItems: 1 }, finally: plainlyNamed(32) },
}
