/**
 * One address for several nodes, as a load balancer gives it: connections go to nodes that are ready, in turn, and to
 * the next one when one refuses. Bytes are passed on as they come.
 *
 * @module
 */
import { once } from 'node:events'
import { request } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Front {
  readonly url: string
  readonly port: number
  /** Connections to each node, in the order of `ports`. */
  readonly connections: readonly number[]
  close(): void
}

const CHECK_MS = 250
const CHECK_TIMEOUT_MS = 700

/** Opens it before nodes at these ports of loopback. */
export async function openFront(port: number, ports: readonly number[]): Promise<Front> {
  const nodes = ports.map((to) => ({ port: to, isReady: true, open: new Set<Socket>() }))
  let turn = 0
  let isOver = false

  const server = createServer({ noDelay: true }, (visitor) => {
    visitor.on('error', () => {})
    const first = turn++
    const inTurn = nodes.map((_, i) => nodes[(first + i) % nodes.length]!)
    // One that is not ready is better than none.
    join(visitor, [...inTurn.filter((node) => node.isReady), ...inTurn.filter((node) => !node.isReady)])
  })

  function join(visitor: Socket, [node, ...others]: readonly (typeof nodes)[number][]): void {
    if (!node) return void visitor.destroy()
    const there = connect({ port: node.port, host: '127.0.0.1', noDelay: true })
    const refused = (): void => join(visitor, others)
    there.once('error', refused)
    there.once('connect', () => {
      there.off('error', refused)
      there.on('error', () => visitor.destroy())
      node.open.add(visitor)
      visitor.pipe(there)
      there.pipe(visitor)
      visitor.on('close', () => {
        node.open.delete(visitor)
        there.destroy()
      })
      there.on('close', () => visitor.destroy())
    })
  }

  function check(node: (typeof nodes)[number]): void {
    if (isOver) return
    const call = request({ host: '127.0.0.1', port: node.port, path: '/_hydra/ready', agent: false })
    const timer = setTimeout(() => call.destroy(), CHECK_TIMEOUT_MS)
    call.on('response', (response) => {
      node.isReady = response.statusCode === 200
      response.resume().on('error', () => {})
    })
    call.on('error', () => {
      node.isReady = false
    })
    call.on('close', () => {
      clearTimeout(timer)
      setTimeout(check, CHECK_MS, node).unref()
    })
    call.end()
  }

  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  for (const node of nodes) check(node)
  const { port: own } = server.address() as AddressInfo
  return {
    port: own,
    url: `http://localhost:${own}`,
    get connections() {
      return nodes.map(({ open }) => open.size)
    },
    close() {
      isOver = true
      server.close()
      for (const { open } of nodes) for (const socket of open) socket.destroy()
    },
  }
}
