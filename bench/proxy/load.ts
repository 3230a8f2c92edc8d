/**
 * Load: asks for the same page over a number of keep-alive connections, as fast as the answers come, and checks
 * that each is whole. A process of its own, told what to do by messages.
 *
 * @module
 */
import { connect } from 'node:net'

interface Job {
  readonly port: number
  readonly connections: number
  readonly requests: number
}

const HEAD = [
  'GET /page?from=bench HTTP/1.1',
  'Host: shop.example',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language: en-GB,en;q=0.5',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Cookie: session=0123456789abcdef0123456789abcdef; theme=dark',
  'Upgrade-Insecure-Requests: 1',
  'Sec-Fetch-Dest: document',
  'Sec-Fetch-Mode: navigate',
  'Priority: u=0, i',
  '',
  '',
].join('\r\n')
const END = Buffer.from('\r\n\r\n')

/** Resolves with the seconds it took; rejects at the first answer that is not a whole 200. */
function run({ port, connections, requests }: Job): Promise<number> {
  const request = Buffer.from(HEAD)
  const began = performance.now()
  let toSend = requests
  let open = connections
  return new Promise((resolve, reject) => {
    for (let i = 0; i < connections; i++) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      let rest: Buffer = Buffer.alloc(0)
      const next = () => {
        if (toSend-- > 0) socket.write(request)
        else socket.end()
      }
      socket.once('connect', next)
      socket.on('data', (chunk) => {
        rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
        const at = rest.indexOf(END)
        if (at < 0) return
        const head = rest.toString('latin1', 0, at)
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1])
        if (!head.startsWith('HTTP/1.1 200') || !(length > 0)) reject(new Error(`unexpected answer: ${head}`))
        if (rest.length < at + 4 + length) return
        rest = Buffer.alloc(0)
        next()
      })
      socket.on('error', reject)
      socket.on('close', () => {
        if (--open === 0) resolve((performance.now() - began) / 1000)
      })
    }
  })
}

process.on('message', async (job: Job) => {
  try {
    process.send!({ seconds: await run(job) })
  } catch (error) {
    process.send!({ error: String(error) })
  }
})
process.on('disconnect', () => process.exit())
process.send!({ port: 0 })
