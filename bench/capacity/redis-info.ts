/**
 * What a Redis server says of itself.
 *
 * @module
 */
import { once } from 'node:events'
import { connect } from 'node:net'

export interface RedisInfo {
  /** A figure of `INFO`, such as `used_memory`. */
  figure(name: string): number
}

/** Asks once, over a connection of its own. */
export async function redisInfo(port: number): Promise<RedisInfo> {
  const socket = connect(port, '127.0.0.1')
  socket.end('INFO\r\n')
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
  })
  await once(socket, 'end')
  return {
    figure(name) {
      const found = new RegExp(`^${name}:([\\d.]+)`, 'm').exec(text)?.[1]
      if (found === undefined) throw new Error(`Redis says nothing of ${name}`)
      return Number(found)
    },
  }
}
