/**
 * The services behind every composer, on raw sockets and with prebuilt answers, so that they are never what is waited
 * for: one has the page, four have a fragment each. They answer plain GET for everybody, the manifests of podlets, and
 * for our gateway the call for a fragment, over HTTP and over the channel of an SDK. A program of its own; says its
 * ports and ends with the bench.
 *
 * It knows the requests of this bench only.
 *
 * @module
 */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { fragmentAnswer } from './hydra-services.ts'
import { joinGateway } from './join-gateway.ts'
import {
  DIALECTS,
  fragmentHtml,
  PARTS,
  type Part,
  pageIn,
  pathOf,
  refOf,
  SLOW_MS,
  SLOW_PART,
} from './page.ts'

/** What it says first: where the page is, and the fragments in their order. */
export interface BackendReady {
  readonly pagePort: number
  readonly partPorts: readonly number[]
}

/** What it is asked. Pages that left, since it was asked the last time; or to stand behind a gateway of ours. */
export type BackendQuestion =
  | { readonly what: 'left' }
  | {
      readonly what: 'join'
      readonly gatewayPort: number
      readonly parts: 'http' | 'rsocket'
      readonly hasPage: boolean
    }

/** When slow pages left, ms on the monotonic clock of the machine, by the number in their query. */
export type Left = readonly (readonly [id: number, atMs: number])[]

const HEAD_END = Buffer.from('\r\n\r\n')
const left: [number, number][] = []

/** Where a request is answered: what is in its head, and the body behind it. */
type Answer = (socket: Socket, head: string, body: Buffer) => void

const partPorts = await Promise.all(PARTS.map((part) => listen(partAnswer(part))))
const pagePort = await listen(pageAnswer())
process.on('message', async (question: BackendQuestion) => {
  if (question.what === 'join') {
    const { gatewayPort, parts, hasPage } = question
    await joinGateway({ gatewayPort, parts, partPorts, pagePort: hasPage ? pagePort : undefined })
    process.send!({})
  } else process.send!(left.splice(0))
})
process.on('disconnect', () => process.exit())
process.send!({ pagePort, partPorts } satisfies BackendReady)

function pageAnswer(): Answer {
  const pages = new Map<string, Buffer>()
  for (const dialect of DIALECTS) {
    if (dialect === 'podium') continue
    const lines = dialect === 'hydra' ? ['Hydra-Compose: 1'] : []
    for (const isSlow of [false, true])
      pages.set(pathOf(dialect, isSlow), htmlAnswer(pageIn(dialect, isSlow, partPorts), lines))
  }
  return (socket, head) => {
    const [path = '', query] = pathIn(head).split('?n=')
    const page = pages.get(path)
    if (!page) return void socket.destroy()
    socket.write(page)
    if (query !== undefined) left.push([Number(query), Number(process.hrtime.bigint()) / 1e6])
  }
}

function partAnswer(part: Part): Answer {
  const html = fragmentHtml(part)
  const plain = htmlAnswer(html, ['podlet-version: 1.0.0'])
  const rendered = fragmentAnswer(html)
  const manifests = new Map(
    [false, true].map((isSlow) => [
      `/${refOf(part, isSlow)}.json`,
      answerOf('application/json', manifestOf(refOf(part, isSlow)), ['Cache-Control: max-age=3600']),
    ]),
  )
  return (socket, head, body) => {
    const isCall = head.startsWith('POST')
    const [path = ''] = isCall ? [] : pathIn(head).split('?')
    const manifest = manifests.get(path)
    const bytes = manifest ?? (isCall ? rendered(body) : plain)
    const isSlow =
      part === SLOW_PART && !manifest && (isCall ? body.includes(refOf(part, true)) : path.endsWith('-slow'))
    if (isSlow) setTimeout(() => socket.write(bytes), SLOW_MS)
    else socket.write(bytes)
  }
}

async function listen(answer: Answer): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => serve(socket, answer))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4096, resolve))
  return (server.address() as AddressInfo).port
}

/** Reads one request after the other; bodies have their length. */
function serve(socket: Socket, answer: Answer): void {
  let rest: Buffer = Buffer.alloc(0)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (;;) {
      const end = rest.indexOf(HEAD_END)
      if (end < 0) return
      const head = rest.toString('latin1', 0, end)
      const from = end + HEAD_END.length
      const length = head.startsWith('POST') ? Number(/\r\ncontent-length: *(\d+)/i.exec(head)![1]) : 0
      if (rest.length < from + length) return
      const body = rest.subarray(from, from + length)
      rest = rest.subarray(from + length)
      answer(socket, head, body)
    }
  })
}

function pathIn(head: string): string {
  return head.slice(head.indexOf(' ') + 1, head.indexOf(' ', 5))
}

/** With the header lines a small application sends. */
function htmlAnswer(html: string, lines: readonly string[]): Buffer {
  return answerOf('text/html; charset=utf-8', html, [
    'Cache-Control: max-age=60',
    'ETag: "0123456789abcdef"',
    ...lines,
  ])
}

function answerOf(type: string, text: string, lines: readonly string[]): Buffer {
  const body = Buffer.from(text)
  const head = [
    'HTTP/1.1 200 OK',
    'Date: Sat, 21 Nov 2026 12:00:00 GMT',
    `Content-Type: ${type}`,
    `Content-Length: ${body.length}`,
    ...lines,
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body])
}

/** What a podlet says of itself. */
function manifestOf(ref: string): string {
  const name = ref.replace(/\W/g, '')
  return JSON.stringify({
    name,
    version: '1.0.0',
    content: `/${ref}`,
    fallback: '',
    css: [],
    js: [],
    proxy: {},
  })
}
