/**
 * The original hydra-router of a checkout, unmodified, in a process that can be asked for its memory:
 * `original.ts DIR CONFIG PORT`. Says `{ port }` when it takes connections.
 *
 * @module
 */
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { join, relative } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { listenForProfiler } from '../../support/profiler.ts'

const [, , directory = '', config = '', port = ''] = process.argv
// Each call that it makes leaves a listener behind, and Node says so each time.
process.removeAllListeners('warning')
// It looks for its file in a folder of its own.
process.env.ROUTER_CONFIG = relative(join(directory, 'config'), config)
createRequire(import.meta.url)(join(directory, 'hydra-router.js'))
listenForProfiler()
process.on('disconnect', () => process.exit())
while (!(await canConnect())) await delay(50)
process.send!({ port: Number(port) })

function canConnect(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port: Number(port), host: '127.0.0.1' })
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
