/** crds/: one CustomResourceDefinition a kind. */
import { crdYaml, kinds } from '@mnemos/api'

export function generate(): Promise<ReadonlyMap<string, string>> {
  return Promise.resolve(new Map(kinds.map((kind) => [`crds/${kind.plural}.mnemos.dev.yaml`, crdYaml(kind)])))
}
