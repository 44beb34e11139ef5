/** Licences: of the ways to satisfy an SPDX expression, one must be allowed. */
import type { LicenseClass, PolicyRule } from '@mnemos/api'
import { classesOf } from '../license-classes.ts'
import { broken, type Compiled, compiled, type Judgement, type RuleFinding } from '../rule-kind.ts'
import { type License, type LicenseTree, licenseText, parseLicense } from '../spdx.ts'
import type { PolicySubject } from '../subject.ts'

type LicenseRule = NonNullable<PolicyRule['license']>

export function licenseRule(rule: LicenseRule): Compiled<Judgement> {
  const problems = (['allow', 'deny'] as const).flatMap((list) =>
    (rule[list] ?? []).flatMap((text, index) =>
      singleOf(text) === undefined
        ? [
            {
              path: ['license', list, index],
              message: `"${text}" is no SPDX licence`,
              suggestion: 'write one licence, e.g. Apache-2.0 or LicenseRef-acme; see spdx.org/licenses',
            },
          ]
        : [],
    ),
  )
  if (problems.length > 0) return broken(...problems)
  const denyClasses = new Set<LicenseClass>(rule.denyClasses ?? [])
  const allow = rule.allow?.flatMap((text) => singleOf(text) ?? [])
  const deny = (rule.deny ?? []).flatMap((text) => singleOf(text) ?? [])
  /** Why a licence will not do. */
  const fault = (license: License): string | undefined => {
    const text = licenseText(license)
    if (deny.some((entry) => means(entry, license))) return `${text} is denied`
    const classes = classesOf(license.id)
    const bad = classes.find((each) => denyClasses.has(each))
    if (bad !== undefined) return `${text} is of the class ${bad}`
    if (allow !== undefined) return allow.some((entry) => means(entry, license)) ? undefined : `${text} is not allowed`
    return classes.length === 0 && denyClasses.size > 0 && rule.unknown === 'Deny' ? `${text} is of no known class` : undefined
  }
  return compiled({ kinds: ['Model', 'Job'], judge: (subject) => findings(subject, rule, fault) })
}

function findings(
  { kind, model }: PolicySubject,
  rule: LicenseRule,
  fault: (license: License) => string | undefined,
): readonly RuleFinding[] {
  if (model === undefined) return []
  const path = kind === 'Model' ? ['spec', 'license'] : ['spec', 'inference', 'modelRef']
  const whose = kind === 'Model' ? 'the licence' : 'the licence of the Model'
  const { license, isImported = false } = model
  const tree = license === undefined ? undefined : parseLicense(license)
  if (tree === undefined) {
    // A licence that is still to be read from the bytes is judged once it was.
    if (rule.unknown === 'Allow' || (license === undefined && !isImported)) return []
    const message =
      license === undefined ? `${whose} is not known, and none was found in the bytes` : `${whose}, "${license}", is no SPDX expression`
    return [{ path, message, suggestion: kind === 'Model' ? 'set spec.license to what its makers grant' : 'use another Model' }]
  }
  const why = faultOf(tree, fault)
  return why === undefined ? [] : [{ path, message: `${whose} does not do: ${why}`, ...allowedOf(rule) }]
}

function allowedOf({ allow }: LicenseRule): { suggestion?: string } {
  return allow === undefined || allow.length > 8 ? {} : { suggestion: `allowed are ${allow.join(', ')}` }
}

function faultOf(tree: LicenseTree, fault: (license: License) => string | undefined): string | undefined {
  if ('all' in tree) return tree.all.map((part) => faultOf(part, fault)).find((why) => why !== undefined)
  if (!('any' in tree)) return fault(tree)
  const faults = tree.any.map((part) => faultOf(part, fault))
  return faults.includes(undefined) ? undefined : faults.join(', and ')
}

function singleOf(text: string): License | undefined {
  const tree = parseLicense(text)
  return tree === undefined || 'all' in tree || 'any' in tree ? undefined : tree
}

/**
 * Whether an entry of a list means a licence. An exception only grants more, so an entry without one stands for the licence with any
 * exception; an entry with one means exactly that. "Or later" lets people choose the version itself, so it makes no difference.
 */
function means(entry: License, license: License): boolean {
  return (entry.exception === undefined || entry.exception === license.exception) && versionOf(entry) === versionOf(license)
}

function versionOf({ id }: License): string {
  return id.replace(/-(only|or-later)$/, '')
}
