/**
 * Redis on a leash: `redis-keeper.ts PORT` starts it, says its process id, and ends with it; when the demo is gone, so
 * is Redis. Nothing is kept on disk.
 *
 * @module
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

const [, , port = ''] = process.argv
const words = ['redis-server', '--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
// Where the system can, it ends Redis when this process was killed. The process id stays the same.
const SETPRIV = '/usr/bin/setpriv'
const tie = process.platform === 'linux' && existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL', '--'] : []
const [command = '', ...args] = [...tie, ...words]
const redis = spawn(command, args, { stdio: 'ignore' })
redis.on('error', (fault) => {
  process.stderr.write(`redis-server: ${fault.message}\n`)
  process.exit(1)
})
redis.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)))
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => redis.kill('SIGTERM'))
process.on('exit', () => redis.kill('SIGKILL'))

while (!(await takesConnections())) await delay(20)
process.send?.(redis.pid)

function takesConnections(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port: Number(port), host: '127.0.0.1' })
    socket.on('error', () => resolve(false))
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
