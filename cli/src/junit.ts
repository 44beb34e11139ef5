/** JUnit XML as CI systems read it (the schema that Jenkins and GitLab accept). Holds no character that XML 1.0 forbids. */

export interface JunitSuite {
  readonly name: string
  readonly cases: readonly JunitCase[]
}

export interface JunitCase {
  readonly name: string
  readonly classname: string
  readonly seconds: number
  /** One line; absent when the case passed. */
  readonly failure?: string
  readonly details?: string
}

/** @param timestamp RFC 3339, UTC */
export function junitXml(suites: readonly JunitSuite[], timestamp: string): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    ...suites.map((suite) => suiteXml(suite, timestamp)),
    '</testsuites>',
    '',
  ].join('\n')
}

function suiteXml({ name, cases }: JunitSuite, timestamp: string): string {
  const failures = cases.filter(({ failure }) => failure !== undefined).length
  const seconds = cases.reduce((sum, each) => sum + each.seconds, 0)
  const counts = `tests="${cases.length}" failures="${failures}" errors="0"`
  const head = `  <testsuite name="${escaped(name)}" timestamp="${timestamp.slice(0, 19)}" hostname="localhost" ${counts} time="${seconds.toFixed(3)}">`
  return [head, ...cases.map(caseXml), '  </testsuite>'].join('\n')
}

function caseXml({ name, classname, seconds, failure, details = '' }: JunitCase): string {
  const head = `    <testcase name="${escaped(name)}" classname="${escaped(classname)}" time="${seconds.toFixed(3)}"`
  if (failure === undefined) return `${head}/>`
  // Line breaks would be read as spaces in an attribute.
  const message = escaped(failure).replaceAll('\n', '&#10;')
  return `${head}>\n      <failure type="verdict" message="${message}">${escaped(details)}</failure>\n    </testcase>`
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
/** All that the production `Char` of XML 1.0 leaves out, lone surrogates included. */
const noChar = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu

function escaped(text: string): string {
  return text.replace(noChar, '\ufffd').replace(/[&<>"]/g, (character) => entities[character] ?? character)
}
