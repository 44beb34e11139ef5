/** Texts that must come out nowhere, and the objects that carry them in: each canary has a token by which it is known again. */
import { apiVersion } from '@mnemos/api'
import type { KubeObject } from '@mnemos/kube'
import { aJobWith, inference } from './security.fixture.ts'

export interface Canary {
  /** Part of the text that is found nowhere else. */
  readonly token: string
  readonly text: string
}

let made = 0
const named = (write: (token: string) => string) => (): Canary => {
  made += 1
  const token = `kanari${made}x`
  return { token, text: write(token) }
}

/** A secret, a prompt, and personal data, one of which MNEMOS redacts and one it refuses. */
const makers: readonly (() => Canary)[] = [
  named((token) => `Bearer eyJhbGciOiJIUzI1NiJ9.${token}`),
  named((token) => `The plan of ${token} is a secret`),
  named((token) => `${token}@example.com`),
  () => {
    made += 1
    const token = `5${String(10 + (made % 80))}-${String(11 + (made % 70))}-${String(4000 + made)}`
    return { token, text: `SSN ${token}` }
  },
]

type Body = KubeObject & { readonly spec: object }

interface Place {
  readonly plural: string
  readonly of: (name: string, value: unknown) => Body
  /** Makes a text fit for the place. */
  readonly fit?: (text: string) => string
}

const image = 'registry.example.com/work'
const model = (name: string, spec: object): Body => ({ apiVersion, kind: 'Model', metadata: { name }, spec })
const container = (name: string, more: object): Body => aJobWith(name, { inference: undefined, container: { image, ...more } })
const source = { uri: 's3://models/x.gguf' }

/** Where people put what is nobody's business. */
export const places: Readonly<Record<string, Place>> = {
  'the prompt': { plural: 'mnemosjobs', of: (name, prompt) => aJobWith(name, { inference: { ...inference, prompt } }) },
  'a message': {
    plural: 'mnemosjobs',
    of: (name, content) => aJobWith(name, { inference: { modelRef: inference.modelRef, messages: [{ role: 'user', content }] } }),
  },
  'a stop text': {
    plural: 'mnemosjobs',
    of: (name, stop) => aJobWith(name, { inference: { ...inference, parameters: { stop: [stop] } } }),
  },
  'an argument': { plural: 'mnemosjobs', of: (name, value) => container(name, { args: [value] }) },
  'a variable of a container': { plural: 'mnemosjobs', of: (name, value) => container(name, { env: [{ name: 'KEY', value }] }) },
  'a parameter of maintenance': {
    plural: 'mnemosjobs',
    of: (name, key) => aJobWith(name, { inference: undefined, maintenance: { task: 'ImportModel', parameters: { uri: source.uri, key } } }),
  },
  'the query of an address': {
    plural: 'mnemosmodels',
    of: (name, uri) => model(name, { source: { uri } }),
    fit: (text) => `https://user:${encodeURIComponent(text)}@models.example.com/x.gguf?sig=${encodeURIComponent(text)}`,
  },
  'a setting of an engine': {
    plural: 'mnemosmodels',
    of: (name, value) => model(name, { source, runtime: { parameters: { key: value } } }),
  },
  'a variable of a worker': {
    plural: 'mnemosworkerpools',
    of: (name, value) => ({
      ...{ apiVersion, kind: 'WorkerPool', metadata: { name } },
      spec: { podTemplate: { env: [{ name: 'KEY', value }] } },
    }),
  },
  'an annotation': { plural: 'mnemosjobs', of: (name, note) => aJobWith(name, {}, { annotations: { note } }) },
}

const without = (body: Body): Body => ({ ...body, spec: {} })
const labelled = (body: Body, labels: object): Body => ({ ...body, metadata: { ...body.metadata, labels: { ...labels } } })

/** What may become of an object on its way in. */
export const ways: Readonly<Record<string, (place: Place, name: string, text: string) => Body>> = {
  stored: (place, name, text) => place.of(name, text),
  'refused for another field': (place, name, text) => {
    const body = place.of(name, text)
    return { ...body, spec: { ...body.spec, priority: 'hihg', source: undefined, slots: -1 } }
  },
  'of another shape': (place, name, text) => place.of(name, { [text]: [text] }),
  'too long': (place, name, text) => place.of(name, `${text} `.repeat(3000)),
  'under expressions that fail': (place, name, text) => labelled(place.of(name, text), { judged: 'strictly' }),
  'without the rest': (place, name, text) => {
    const body = place.of(name, text)
    return { ...without(body), metadata: { ...body.metadata, annotations: { note: text } } }
  },
}

export interface Carrier {
  readonly canary: Canary
  readonly what: string
  readonly plural: string
  readonly body: Body
}

/** Each text at each place by each way. */
export function carriers(): readonly Carrier[] {
  return Object.entries(places).flatMap(([where, place]) =>
    Object.entries(ways).flatMap(([way, build]) =>
      makers.map((make) => {
        const canary = make()
        const text = place.fit === undefined ? canary.text : place.fit(canary.text)
        return { canary, what: `${where}, ${way}`, plural: place.plural, body: build(place, `c-${made}`, text) }
      }),
    ),
  )
}
