/**
 * What licences demand, as data: classes by identifier, and identifiers for the names that model hubs use.
 *
 * Sources: the texts of the licences, the SPDX License List (spdx.org/licenses) and the copyleft and attribution labels of
 * choosealicense.com. A licence that no line names is of no known class. No legal advice: it sorts, people decide.
 */
import type { LicenseClass } from '@mnemos/api'
import { wildcard } from './wildcard.ts'

/** Identifiers (`*` stands for any run of characters, upper and lower case are the same) with all of their classes. */
const table: readonly (readonly [string, ...LicenseClass[]])[] = [
  ['0BSD', 'Permissive', 'PublicDomain'],
  ['CC0-1.0', 'Permissive', 'PublicDomain'],
  ['Unlicense', 'Permissive', 'PublicDomain'],
  ['WTFPL', 'Permissive', 'PublicDomain'],
  ['PDDL-1.0', 'Permissive', 'PublicDomain'],
  ['MIT-0', 'Permissive'],
  ...(['MIT', 'Apache-*', 'BSD-*', 'ISC', 'Zlib', 'BSL-1.0', 'PostgreSQL', 'Python-2.0', 'NCSA', 'UPL-1.0', 'AFL-*'] as const).map(
    (id) => [id, 'Permissive', 'Attribution'] as const,
  ),
  ['MulanPSL-*', 'Permissive', 'Attribution'],
  ['CC-BY-1.0', 'Permissive', 'Attribution'],
  ...(['2.0', '2.5', '3.0', '4.0'] as const).map((version) => [`CC-BY-${version}*`, 'Permissive', 'Attribution'] as const),
  ['ODC-By-1.0', 'Permissive', 'Attribution'],
  ['CDLA-Permissive-*', 'Permissive', 'Attribution'],
  ...(['GPL-*', 'LGPL-*', 'AGPL-*', 'MPL-*', 'EPL-*', 'EUPL-*', 'CDDL-*', 'OSL-*', 'CECILL-*', 'SSPL-1.0', 'MS-RL'] as const).map(
    (id) => [id, 'Copyleft', 'Attribution'] as const,
  ),
  ['CC-BY-SA-*', 'Copyleft', 'Attribution'],
  ['ODbL-1.0', 'Copyleft', 'Attribution'],
  ['CDLA-Sharing-1.0', 'Copyleft', 'Attribution'],
  ['CC-BY-NC-SA-*', 'NonCommercial', 'Copyleft', 'Attribution'],
  ['CC-BY-NC-ND-*', 'NonCommercial', 'NoDerivatives', 'Attribution'],
  ['CC-BY-NC-1.0', 'NonCommercial', 'Attribution'],
  ...(['2.0', '2.5', '3.0', '4.0'] as const).map((version) => [`CC-BY-NC-${version}*`, 'NonCommercial', 'Attribution'] as const),
  ['CC-BY-ND-*', 'NoDerivatives', 'Attribution'],
  ['PolyForm-Noncommercial-*', 'NonCommercial', 'Attribution'],
  ['BUSL-1.1', 'UseRestricted', 'Attribution'],
  ['LicenseRef-openrail*', 'UseRestricted', 'Attribution'],
  ['LicenseRef-bigscience-*', 'UseRestricted', 'Attribution'],
  ['LicenseRef-creativeml-openrail-m', 'UseRestricted', 'Attribution'],
  ['LicenseRef-bigcode-openrail-m', 'UseRestricted', 'Attribution'],
  ['LicenseRef-llama*', 'UseRestricted', 'Attribution'],
  ['LicenseRef-gemma', 'UseRestricted', 'Attribution'],
  ['LicenseRef-deepseek', 'UseRestricted', 'Attribution'],
]

/** Names on model hubs that are no SPDX identifiers, and what they stand for. */
const hubNames: Readonly<Record<string, string>> = {
  apache: 'Apache-2.0',
  'apache 2.0': 'Apache-2.0',
  apache2: 'Apache-2.0',
  bsd: 'BSD-3-Clause',
  'bsd-2': 'BSD-2-Clause',
  'bsd-3': 'BSD-3-Clause',
  gpl: 'GPL-1.0-or-later',
  lgpl: 'LGPL-2.0-or-later',
  'cc-by-nc': 'CC-BY-NC-4.0',
  cc: 'LicenseRef-cc',
  cc0: 'CC0-1.0',
  openrail: 'LicenseRef-openrail',
  'openrail++': 'LicenseRef-openrail-plus-plus',
  'bigscience-openrail-m': 'LicenseRef-bigscience-openrail-m',
  'bigscience-bloom-rail-1.0': 'LicenseRef-bigscience-bloom-rail-1.0',
  'creativeml-openrail-m': 'LicenseRef-creativeml-openrail-m',
  'bigcode-openrail-m': 'LicenseRef-bigcode-openrail-m',
  llama2: 'LicenseRef-llama2',
  llama3: 'LicenseRef-llama3',
  'llama3.1': 'LicenseRef-llama3.1',
  'llama3.2': 'LicenseRef-llama3.2',
  'llama3.3': 'LicenseRef-llama3.3',
  llama4: 'LicenseRef-llama4',
  gemma: 'LicenseRef-gemma',
  deepseek: 'LicenseRef-deepseek',
}

const rows = table.map(([id, ...classes]) => ({ matches: wildcard(id.toLowerCase()), classes }))

/** Classes of a licence, without its exception; empty when it is of no known class. */
export function classesOf(id: string): readonly LicenseClass[] {
  const lower = id.toLowerCase()
  return rows.find(({ matches }) => matches(lower))?.classes ?? []
}

/** The SPDX identifier for a name that a model hub uses; the name itself when it needs none. */
export function fromHubName(name: string): string {
  const lower = name.toLowerCase()
  return Object.hasOwn(hubNames, lower) ? (hubNames[lower] ?? name) : name
}
