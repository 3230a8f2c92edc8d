/**
 * WebSockets: short messages, each sent when the echo of the one before is there, and checked byte by byte.
 *
 * @module
 */
import { connect } from 'node:net'
import type { Asked } from '../../support/clients/http.ts'
import { budgetOf, type Job } from '../../support/clients/job.ts'
import { upgradeRequest } from '../request.ts'

const TEXT = Buffer.from('{"seen":"order 4711","at":1795219200}')
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d])
const OPEN_MS = 10_000

const message = Buffer.concat([
  Buffer.from([0x81, 0x80 | TEXT.length]),
  MASK,
  TEXT.map((byte, i) => byte ^ MASK[i & 3]!),
])
const echoed = Buffer.concat([Buffer.from([0x81, TEXT.length]), TEXT])

/** Opens all connections first; the time is that of the messages. */
export async function sendMessages(job: Job): Promise<Asked> {
  const sockets = await Promise.all(Array.from({ length: job.connections }, () => open(job.port)))
  const began = performance.now()
  const mayAsk = budgetOf(job)
  const tookMs: number[] = []
  const lane = (socket: Awaited<ReturnType<typeof open>>) =>
    new Promise<void>((resolve, reject) => {
      let sentAt = 0
      let rest: Buffer = Buffer.alloc(0)
      const next = () => {
        if (mayAsk()) {
          sentAt = performance.now()
          socket.write(message)
        } else {
          socket.off('close', lost)
          socket.destroy()
          resolve()
        }
      }
      const lost = () => reject(new Error('a WebSocket was closed'))
      socket.on('close', lost)
      socket.on('data', (chunk) => {
        rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
        if (rest.length < echoed.length) return
        if (!rest.equals(echoed)) return void reject(new Error('another message came back'))
        rest = rest.subarray(rest.length)
        tookMs.push(performance.now() - sentAt)
        next()
      })
      next()
    })
  await Promise.all(sockets.map(lane))
  return { tookMs, seconds: (performance.now() - began) / 1000 }
}

function open(port: number): Promise<ReturnType<typeof connect>> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let head = ''
    const late = setTimeout(() => reject(new Error('a WebSocket did not open')), OPEN_MS)
    const onData = (chunk: Buffer) => {
      head += chunk.toString('latin1')
      if (!head.endsWith('\r\n\r\n')) return
      clearTimeout(late)
      socket.off('data', onData)
      if (head.startsWith('HTTP/1.1 101')) resolve(socket)
      else reject(new Error(`answered ${head}`))
    }
    socket.on('data', onData)
    socket.once('connect', () => socket.write(upgradeRequest()))
    socket.once('error', reject)
  })
}
