/**
 * Open pages as a process of its own: thousands of connections, each with one stream, on bare sockets so that reading
 * them costs little.
 *
 * @module
 */
import { connect, type Socket } from 'node:net'

export type PagesJob =
  | { readonly what: 'open'; readonly port: number; readonly count: number; readonly query: string }
  /** From now on it is heard when each page is told something with this text in it. */
  | { readonly what: 'listen'; readonly text: string }
  /** Until all of them were. */
  | { readonly what: 'heard' }
  /** The first of them break off and come back at once, with what they know. */
  | { readonly what: 'return'; readonly count: number }
  | { readonly what: 'close' }

/** Milliseconds of the machine's monotonic clock, by page. */
export interface Heard {
  readonly atMs: readonly number[]
}

interface Page {
  socket: Socket
  /** Of the state it knows. */
  id: string
  heardAt: number
}

/** Who asks: a browser. */
const HEAD_LINES = [
  'Host: shop.example',
  'Connection: keep-alive',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'Accept: text/event-stream',
  'Cache-Control: no-cache',
  'Sec-Fetch-Site: same-origin',
  'Sec-Fetch-Mode: cors',
  'Sec-Fetch-Dest: empty',
  'Referer: http://shop.example/catalog/watering-can',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-GB,en;q=0.9',
  'Cookie: consent=all; HYDRA-ROUTE=r1.0123456789abcdefghijkl.mnopqrstuvwxyz0123456789',
]
const OPENING = 100
const PATIENCE_MS = 60_000
const STATE = Buffer.from('event: state\n')

const pages: Page[] = []
let port = 0
let query = ''
let wanted: Buffer | undefined
let missing = 0
let onHeard: (() => void) | undefined

const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6

/** Opens the stream of a page; resolves with its first state. */
function open(page: Page): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    let isOpen = false
    page.socket = socket
    socket.setNoDelay(true)
    const have = page.id === '' ? '' : `&have=${page.id}`
    socket.write(`GET /_hydra/live?${query}${have} HTTP/1.1\r\n${HEAD_LINES.join('\r\n')}\r\n\r\n`)
    socket.on('data', (bytes) => {
      if (wanted !== undefined && page.heardAt === 0 && bytes.includes(wanted)) {
        page.heardAt = nowMs()
        missing--
        if (missing === 0) onHeard?.()
      }
      const at = bytes.indexOf(STATE)
      if (at < 0) return
      page.id = /id: ([\w-]+)\n$/.exec(bytes.toString('latin1', Math.max(0, at - 80), at))?.[1] ?? page.id
      if (!isOpen) resolve()
      isOpen = true
    })
    socket.on('error', reject)
    socket.on('close', () => {
      if (page.socket === socket) reject(new Error('the gateway closed the stream of a page'))
    })
  })
}

async function openAll(some: readonly Page[], atOnce: number): Promise<void> {
  let next = 0
  const one = async (): Promise<void> => {
    while (next < some.length) await open(some[next++]!)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, some.length) }, one))
}

function leave(page: Page): void {
  const { socket } = page
  page.socket = undefined as unknown as Socket
  socket.destroy()
}

async function run(job: PagesJob): Promise<object> {
  switch (job.what) {
    case 'open': {
      port = job.port
      query = job.query
      const more = Array.from(
        { length: job.count },
        (): Page => ({ socket: undefined as never, id: '', heardAt: 0 }),
      )
      pages.push(...more)
      await openAll(more, OPENING)
      return {}
    }
    case 'listen':
      wanted = Buffer.from(job.text)
      missing = pages.length
      for (const page of pages) page.heardAt = 0
      return {}
    case 'heard':
      if (missing > 0)
        await new Promise<void>((resolve, reject) => {
          const timer = setTimeout(() => reject(new Error(`${missing} pages were told nothing`)), PATIENCE_MS)
          onHeard = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      onHeard = undefined
      wanted = undefined
      return { atMs: pages.map(({ heardAt }) => heardAt) } satisfies Heard
    case 'return': {
      const some = pages.slice(0, job.count)
      for (const page of some) leave(page)
      const begun = nowMs()
      await openAll(some, some.length)
      return { ms: nowMs() - begun }
    }
    case 'close':
      for (const page of pages.splice(0)) leave(page)
      return {}
  }
}

process.on('message', (job: PagesJob) => {
  run(job).then(
    (answer) => process.send!(answer),
    (error: Error) => process.send!({ error: error.message }),
  )
})
process.on('disconnect', () => process.exit())
process.send!({})
