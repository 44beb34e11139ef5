/** packages/contract/openapi.json and docs/reference/errors.md, both from the contract. */
import { apiErrors, openApi } from '@mnemos/contract'

export function generate(): Promise<ReadonlyMap<string, string>> {
  const rows = Object.entries(apiErrors).map(([code, { status, meaning }]) => `| \`${code}\` | ${status} | ${meaning} |`)
  const page = `# Errors of the HTTP API\n\nGenerated from packages/contract by \`npm run generate\`.\n\n| Code | Status | Meaning |\n|---|---|---|\n${rows.join('\n')}\n`
  return Promise.resolve(
    new Map([
      ['packages/contract/openapi.json', `${JSON.stringify(openApi('v1'), null, 2)}\n`],
      ['docs/reference/errors.md', page],
    ]),
  )
}
