/**
 * A pipe to a server that counts what comes back.
 *
 * @module
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'

export interface Meter {
  readonly port: number
  /** Bytes the server has sent so far. */
  fromServer(): number
  end(): void
}

export async function meter(to: number): Promise<Meter> {
  let bytes = 0
  const sockets = new Set<{ destroy(): void }>()
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        near.destroy()
        far.destroy()
      })
    }
    far.on('data', (chunk) => {
      bytes += chunk.length
    })
    near.pipe(far).pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    fromServer: () => bytes,
    end() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
