/**
 * A TCP proxy that does to connections what networks do on bad days, whatever protocol they speak.
 *
 * Every fault counts how often it fired, so that a test can prove that its fault happened.
 */
import { connect, createServer, type Socket } from 'node:net'
import { after } from 'node:test'

export type TcpFault =
  /** New connections are closed at once, and those that are open with them. */
  | { readonly kind: 'refuse' }
  /** Connections are accepted and nothing passes, in either direction; those that are open fall silent too. */
  | { readonly kind: 'halfOpen' }
  /** Every chunk comes so much later. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** The connection is cut after so many more bytes in this direction. */
  | { readonly kind: 'cut'; readonly direction: 'up' | 'down'; readonly afterBytes: number }
  /** The connection is closed in an orderly way after so many more bytes in this direction: what is left was never sent. */
  | { readonly kind: 'truncate'; readonly direction: 'up' | 'down'; readonly afterBytes: number }
  /** Bytes that match are replaced by others of the same length. */
  | { readonly kind: 'alter'; readonly direction: 'up' | 'down'; readonly find: string; readonly replace: string }

export interface TcpProxy {
  readonly port: number
  /** Sets the one fault, for connections that are open and for new ones; undefined heals. Resets `fired`. */
  set(fault: TcpFault | undefined, options?: { readonly times?: number }): void
  /** How often the fault took effect. */
  readonly fired: number
  /** Cuts what is open now. */
  cutAll(): void
}

/** Ends after the tests of the calling file. */
export async function startTcpProxy(upstreamPort: number): Promise<TcpProxy> {
  const open = new Set<Socket>()
  let fault: TcpFault | undefined
  let left = 0
  let fired = 0
  let passed = { up: 0, down: 0 }
  const fires = (): boolean => {
    if (left <= 0) return false
    left -= 1
    fired += 1
    return true
  }

  const through = (from: Socket, to: Socket, direction: 'up' | 'down'): void => {
    const end = (): void => {
      from.destroy()
      to.destroy()
    }
    from.on('data', (chunk: Buffer) => {
      const now = fault
      if (now?.kind === 'halfOpen') {
        fired += 1
        return
      }
      if (now?.kind === 'refuse') {
        fired += 1
        end()
        return
      }
      if (now?.kind === 'delay') {
        fired += 1
        from.pause()
        setTimeout(() => {
          to.write(chunk)
          from.resume()
        }, now.ms)
        return
      }
      if ((now?.kind === 'cut' || now?.kind === 'truncate') && now.direction === direction) {
        passed[direction] += chunk.length
        const over = passed[direction] - now.afterBytes
        if (over > 0 && fires()) {
          passed = { up: 0, down: 0 }
          to.write(chunk.subarray(0, chunk.length - over), () => (now.kind === 'cut' ? to.resetAndDestroy() : to.end()))
          from.destroy()
          return
        }
      }
      const altered = now?.kind === 'alter' && now.direction === direction ? alter(chunk, now, fires) : chunk
      if (!to.write(altered)) {
        from.pause()
        to.once('drain', () => from.resume())
      }
    })
    from.on('end', () => to.end())
    from.on('error', end)
    from.on('close', () => to.destroy())
  }

  const server = createServer({ allowHalfOpen: true }, (near) => {
    if (fault?.kind === 'refuse') {
      fired += 1
      near.on('error', () => undefined)
      near.resetAndDestroy()
      return
    }
    const far = connect({ port: upstreamPort, host: '127.0.0.1', allowHalfOpen: true })
    for (const socket of [near, far]) {
      open.add(socket)
      socket.setNoDelay(true)
      socket.on('close', () => open.delete(socket))
    }
    through(near, far, 'up')
    through(far, near, 'down')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port')
  const cutAll = (): void => {
    for (const socket of open) socket.resetAndDestroy()
  }
  after(async () => {
    cutAll()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    port: address.port,
    set: (next, { times = 1 } = {}) => {
      fault = next
      left = times
      fired = 0
      passed = { up: 0, down: 0 }
      if (next?.kind === 'refuse') cutAll()
    },
    get fired() {
      return fired
    },
    cutAll,
  }
}

function alter(chunk: Buffer, { find, replace }: { find: string; replace: string }, fires: () => boolean): Buffer {
  const at = chunk.indexOf(find)
  if (at < 0 || !fires()) return chunk
  const altered = Buffer.from(chunk)
  altered.write(replace, at)
  return altered
}
