/**
 * A socket.io server, which is router and service in one: says `{ port }`, then takes pushes.
 *
 * @module
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { listenForProfiler } from '../../support/profiler.ts'
import { nowMs, type Pushed, type PushJob } from '../job.ts'

const server = createServer()
const io = new Server(server, { transports: ['websocket'], serveClient: false })
server.listen(0, '127.0.0.1')
await once(server, 'listening')

function push({ ids, body, isToAll }: PushJob): Pushed {
  const startedMs = nowMs()
  if (isToAll) io.emit('news', body)
  else for (const id of ids) io.sockets.sockets.get(id)!.emit('news', body)
  return { startedMs }
}

process.on('message', (job: PushJob | string) => {
  if (typeof job === 'object') process.send!(push(job))
})
listenForProfiler()
process.on('disconnect', () => process.exit())
process.send!({ port: (server.address() as AddressInfo).port })
