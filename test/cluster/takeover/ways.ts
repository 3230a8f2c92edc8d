/**
 * Two ways of replacing a process that listens: both listen at the same port (`SO_REUSEPORT`), or both were given one
 * socket by a parent. Run: node bench/takeover/ways.ts [takeovers]
 *
 * New connections arrive at a steady rate meanwhile; printed is what became of them (docs/decisions/013).
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { arrivals } from './arrivals.ts'

const takeovers = Number(process.argv[2] ?? 50)
const RATE = 500

for (const way of ['reuse-port', 'one socket'] as const) {
  const { handle, port } = heldPort()
  if (way === 'reuse-port') handle.close()
  const start = async (): Promise<ChildProcess> => {
    const child = spawn(
      process.execPath,
      [new URL('ways-server.ts', import.meta.url).pathname, way === 'reuse-port' ? way : 'fd', String(port)],
      { stdio: ['inherit', 'inherit', 'inherit', way === 'reuse-port' ? 'ignore' : handle.fd, 'ipc'] },
    )
    await once(child, 'message')
    return child
  }
  let current = await start()
  const load = arrivals({ port, perSecond: RATE })
  for (let at = 0; at < takeovers; at++) {
    const next = await start()
    const ended = once(current, 'exit')
    current.send('stop')
    await ended
    current = next
  }
  const counts = await load.stop()
  current.send('stop')
  await once(current, 'exit')
  if (way !== 'reuse-port') handle.close()
  console.log(`${way}: ${takeovers} takeovers, ${JSON.stringify(counts)}`)
}

interface Handle {
  readonly fd: number
  close(): void
  getsockname(out: { port?: number }): void
}

function heldPort(): { readonly handle: Handle; readonly port: number } {
  const { _createServerHandle: create } = net as unknown as {
    _createServerHandle: (
      address: string,
      port: number,
      family: number,
      fd: undefined,
      flags: number,
    ) => Handle
  }
  const handle = create('127.0.0.1', 0, 4, undefined, 0)
  const name: { port?: number } = {}
  handle.getsockname(name)
  return { handle, port: name.port! }
}
