import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { ListenError, listening } from './listening.ts'

const open = async (host: string, port: number): Promise<ReturnType<typeof createServer>> => {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return server
}
const listener = { what: 'reviews', setting: 'PORT', hostSetting: 'HOST' }
const failure = async (host: string, port: number, opening: () => Promise<unknown> = () => open(host, port)): Promise<Error> => {
  try {
    await listening({ ...listener, host, port }, opening)
  } catch (error) {
    assert.ok(error instanceof Error)
    return error
  }
  throw new Error('it was opened')
}

describe('a port', () => {
  it('that is taken is named with the setting to change', async () => {
    const first = await open('127.0.0.1', 0)
    const address = first.address()
    assert.ok(typeof address === 'object' && address !== null)
    const { port } = address
    const error = await failure('127.0.0.1', port)
    first.close()
    assert.ok(error instanceof ListenError)
    assert.equal(error.message, `cannot listen on 127.0.0.1:${port} for reviews: another process has the port`)
    assert.equal(error.hint, 'set PORT to a free port, or end the process that has it')
  })

  it('of an address that is not here names the setting of the address', async () => {
    const error = await failure('192.0.2.1', 1)
    assert.ok(error instanceof ListenError)
    assert.match(error.message, /192\.0\.2\.1:1 .*no interface of this machine/)
    assert.match(error.hint, /^set HOST /)
  })

  it('is told of in words alone by gRPC', async () => {
    const words = new Error('No address added out of total 1 resolved errors: [listen EACCES: permission denied ::1:80]')
    const error = await failure('::1', 80, () => Promise.reject(words))
    assert.match(error.message, /\[::1\]:80 for reviews: this process may not open that port/)
  })

  it('that fails for another reason fails with it', async () => {
    const other = new Error('no certificate')
    assert.equal(await failure('127.0.0.1', 1, () => Promise.reject(other)), other)
  })
})
