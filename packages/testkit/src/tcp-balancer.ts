/** Spreads connections over several ports, as a Service does over pods: each new one goes to the next port. */
import { connect, createServer, type Socket } from 'node:net'

export interface TcpBalancer {
  readonly port: number
  /** From the next connection on, only these. */
  use(ports: readonly number[]): void
  close(): Promise<void>
}

export async function startTcpBalancer(): Promise<TcpBalancer> {
  let upstreams: readonly number[] = []
  let next = 0
  const open = new Set<Socket>()
  const server = createServer((near) => {
    const port = upstreams[next++ % Math.max(1, upstreams.length)]
    if (port === undefined) {
      near.destroy()
      return
    }
    const far = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from)
      from.setNoDelay(true)
      from.pipe(to)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        open.delete(from)
        to.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the balancer has no port')
  return {
    port: address.port,
    use: (ports) => {
      upstreams = ports
    },
    close: async () => {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
