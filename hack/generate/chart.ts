/** charts/mnemos: what follows from elsewhere: CRDs, rights of processes and people, values with their schema, the table of the README. */
import { readFile } from 'node:fs/promises'
import { crdYaml, kinds } from '@mnemos/api'
import { cleanupAccess, prepareAccess } from '@mnemos/cli'
import { type Access, policyRules } from '@mnemos/kube'
import { operatorAccess } from '@mnemos/operator'
import { recorderAccess } from '@mnemos/recorder'
import { serverAccess } from '@mnemos/server'
import { webhookAccess } from '@mnemos/webhooks'
import { stringify } from 'yaml'
import { z } from 'zod'
import { valuesReadme, valuesYaml } from '../chart/pages.ts'
import { peopleRoles } from '../chart/people.ts'
import { values } from '../chart/values.ts'

const chart = 'charts/mnemos'
const processes: Readonly<Record<string, readonly Access[]>> = {
  operator: operatorAccess,
  webhook: webhookAccess,
  server: serverAccess,
  recorder: recorderAccess,
  prepare: prepareAccess,
  cleanup: cleanupAccess,
}

export async function generate(): Promise<ReadonlyMap<string, string>> {
  const rules = Object.fromEntries(
    Object.entries(processes).map(([name, access]) => [
      name,
      { cluster: policyRules(access, 'cluster'), system: policyRules(access, 'system') },
    ]),
  )
  const schema = z.toJSONSchema(values, { io: 'input', target: 'draft-7' })
  const page = `${chart}/README.md`
  const readme = await readFile(page, 'utf8')
  return new Map([
    ...kinds.map((kind) => [`${chart}/charts/crds/generated/${kind.plural}.mnemos.dev.yaml`, crdYaml(kind)] as const),
    [`${chart}/generated/rbac.yaml`, `# Generated from the access.ts of each process.\n${stringify(rules)}`],
    [`${chart}/generated/people.yaml`, `# Generated: see hack/chart/people.ts.\n${stringify(peopleRoles())}`],
    [`${chart}/values.schema.json`, `${JSON.stringify(schema, undefined, 2)}\n`],
    [`${chart}/values.yaml`, valuesYaml(values)],
    [
      page,
      readme.replace(
        /<!-- values:start -->[\s\S]*<!-- values:end -->/,
        `<!-- values:start -->\n${valuesReadme(values)}<!-- values:end -->`,
      ),
    ],
  ])
}
