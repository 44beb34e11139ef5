/** Finds addresses in a large text off the event loop and prints how many; bundled by the test beside it. */
import { openPiiThreads } from '@mnemos/pii'

const pool = openPiiThreads({ deadlineMs: 30_000 })
const matches = await pool.find('Write to jane@example.com about it. '.repeat(4000))
process.stdout.write(`${matches.length}\n`)
await pool.close()
