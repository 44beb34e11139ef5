/** A real Redis (Debian's redis-server) with a password, on loopback, for one test file. */
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { debianPackages, freePort } from '@mnemos/cluster'
import { type StoreProcess, storeProcess } from './store-process.ts'

export interface RedisServer extends StoreProcess {
  readonly port: number
  /** Without the password. */
  readonly url: string
  readonly password: string
  /** Sends one command, e.g. `FLUSHALL`, and answers with what came back. */
  command(...words: readonly string[]): Promise<string>
}

/**
 * Starts it, and installs the package when it is missing and this is root. It keeps nothing over a restart.
 * @param options.config more lines of its configuration, as arguments
 */
export async function startRedisServer(options: { readonly config?: readonly string[] } = {}): Promise<RedisServer> {
  await debianPackages(['redis-server'])
  const port = await freePort()
  const password = randomBytes(16).toString('hex')
  const command: RedisServer['command'] = (...words) => ask(port, [['AUTH', password], words])
  const settings = [
    '--bind',
    '127.0.0.1',
    '--requirepass',
    password,
    '--save',
    '',
    '--appendonly',
    'no',
    '--maxmemory-policy',
    'noeviction',
  ]
  const store = await storeProcess({
    name: 'redis',
    program: 'redis-server',
    args: (folder) => ['--port', String(port), '--dir', folder, ...settings, ...(options.config ?? [])],
    serves: async () => (await command('PING')).includes('PONG'),
  })
  await store.start()
  return Object.defineProperties({ ...store, port, url: `redis://127.0.0.1:${port}`, password, command }, { pid: { get: () => store.pid } })
}

/** Speaks the protocol by hand, so that this package needs no client. Answers with the last reply as it came. */
function ask(port: number, commands: readonly (readonly string[])[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.setTimeout(5000, () => socket.destroy(new Error('redis did not answer')))
    socket.on('error', reject)
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString()
    })
    socket.on('end', () => resolve(answer.replace('+OK\r\n', '').replace(/\+OK\r\n$/, '')))
    const encoded = [...commands, ['QUIT']].map((words) => `*${words.length}\r\n${words.map(bulk).join('')}`)
    socket.write(encoded.join(''))
  })
}

const bulk = (word: string): string => `$${Buffer.byteLength(word)}\r\n${word}\r\n`
