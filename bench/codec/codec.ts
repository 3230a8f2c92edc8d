/**
 * What the codec costs, alone: `node bench/codec/codec.ts [--rounds N]`.
 *
 * Each figure is the median over rounds that take turns, so a busy moment of the machine hits all alike; the
 * quickest round stands beside it, and the yardsticks say what to compare with on this machine. Heads are parsed
 * into one and the same object, as a connection does it.
 *
 * @module
 */
import { parseArgs } from 'node:util'
import { ChunkedReader, MORE } from '../../packages/gateway/src/http1/chunked.ts'
import { RequestHead, ResponseHead } from '../../packages/gateway/src/http1/head.ts'
import { parseRequestHead } from '../../packages/gateway/src/http1/request-head.ts'
import { parseResponseHead } from '../../packages/gateway/src/http1/response-head.ts'
import { Slab } from '../../packages/gateway/src/http1/slab.ts'
import { statusLine } from '../../packages/gateway/src/http1/status.ts'

const LIMITS = { maxHeadBytes: 16_384, maxHeaderLines: 100, maxTargetBytes: 8192 }

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '100' } } })
const rounds = Number(values.rounds)

/** What a browser sends: 465 bytes, 11 lines. */
const REQUEST = Buffer.from(
  `${[
    'GET /shop/products/42?colour=blue HTTP/1.1',
    'Host: shop.example.com',
    'Connection: keep-alive',
    'Upgrade-Insecure-Requests: 1',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0',
    'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    'Sec-Fetch-Site: same-origin',
    'Sec-Fetch-Mode: navigate',
    'Sec-Fetch-Dest: document',
    'Accept-Encoding: gzip, deflate, br, zstd',
    'Accept-Language: en',
    'Cookie: theme=dark; lang=en; HYDRA=v1.aa0123',
  ].join('\r\n')}\r\n\r\n`,
)

/** What a service answers: 5 lines. */
const RESPONSE = Buffer.from(
  `${[
    'HTTP/1.1 200 OK',
    'Content-Type: application/json; charset=utf-8',
    'Content-Length: 1024',
    'Date: Sat, 01 Aug 2026 12:00:00 GMT',
    'Connection: keep-alive',
    'Keep-Alive: timeout=5',
  ].join('\r\n')}\r\n\r\n`,
)

function chunkedBody(chunkBytes: number, chunks: number): Buffer {
  const chunk = Buffer.concat([
    Buffer.from(`${chunkBytes.toString(16)}\r\n`),
    Buffer.alloc(chunkBytes, 'x'),
    Buffer.from('\r\n'),
  ])
  return Buffer.concat([...Array.from({ length: chunks }, () => chunk), Buffer.from('0\r\n\r\n')])
}

interface Case {
  readonly title: string
  readonly unit: string
  /** Runs `times` times and returns something that depends on the work. */
  run(times: number): number
  /** What one run counts for, of the unit. */
  readonly each: number
  readonly times: number
}

const request = new RequestHead()
const other = new RequestHead()
const response = new ResponseHead()
const reader = new ChunkedReader()
const slab = new Slab()

const EMPTY_LINE = Buffer.from('\r\n\r\n')

/** Yardsticks: what the machine has to give at the moment. */
function findEnd(times: number): number {
  let sum = 0
  for (let i = 0; i < times; i += 1) sum += REQUEST.indexOf(EMPTY_LINE)
  return sum
}

function lookAtEachByte(times: number): number {
  let sum = 0
  for (let i = 0; i < times; i += 1) for (let at = 0; at < REQUEST.length; at += 1) sum ^= REQUEST[at]!
  return sum + 1
}

function parseRequests(times: number): number {
  let sum = 0
  for (let i = 0; i < times; i += 1) sum += parseRequestHead(REQUEST, 0, REQUEST.length, LIMITS, request)
  return sum
}

function parseResponses(times: number): number {
  let sum = 0
  for (let i = 0; i < times; i += 1) sum += parseResponseHead(RESPONSE, 0, RESPONSE.length, LIMITS, response)
  return sum
}

/** As in a proxy: a request, its lines, an answer, and the request's lines again. */
function takeTurns(times: number): number {
  let sum = 0
  for (let i = 0; i < times; i += 1) {
    parseRequestHead(REQUEST, 0, REQUEST.length, LIMITS, request)
    sum += request.lines().count
    parseResponseHead(RESPONSE, 0, RESPONSE.length, LIMITS, response)
    sum += response.lines().count
  }
  return sum
}

function readLinesAgain(times: number): number {
  let sum = 0
  for (let i = 0; i < times; i += 1) sum += (i % 2 === 0 ? request : other).lines().count
  return sum
}

function decode(body: Buffer): (times: number) => number {
  return (times) => {
    let sum = 0
    for (let i = 0; i < times; i += 1) {
      reader.reset()
      let at = 0
      while (reader.state === MORE && at < body.length) {
        at = reader.read(body, at, body.length)
        sum += reader.dataEnd - reader.dataAt
      }
    }
    return sum
  }
}

const SERVER = Buffer.from('Connection: keep-alive\r\n\r\n')

function writeHeads(times: number): number {
  let sum = 0
  for (let i = 0; i < times; i += 1) {
    slab.begin(1024)
    slab.bytes(statusLine(200))
    slab.range(RESPONSE, 17, 150)
    slab.latin1('X-Request-Id: 0123456789abcdef\r\n')
    slab.latin1('Content-Length: ')
    slab.decimal(1024)
    slab.latin1('\r\n')
    slab.bytes(SERVER)
    const view = slab.end()
    sum += view.length
    slab.release(view)
  }
  return sum
}

const bodies = [16, 1024, 16_384].map((bytes) => ({ bytes, body: chunkedBody(bytes, 64) }))
const cases: readonly Case[] = [
  {
    title: 'yardstick: indexOf the end of the request head',
    unit: 'ns',
    run: findEnd,
    each: 1,
    times: 20_000,
  },
  {
    title: 'yardstick: each of its bytes looked at',
    unit: 'ns',
    run: lookAtEachByte,
    each: 1,
    times: 20_000,
  },
  {
    title: `request head of ${REQUEST.length} bytes, 11 lines`,
    unit: 'ns',
    run: parseRequests,
    each: 1,
    times: 20_000,
  },
  {
    title: `response head of ${RESPONSE.length} bytes, 5 lines`,
    unit: 'ns',
    run: parseResponses,
    each: 1,
    times: 20_000,
  },
  { title: 'both in turn', unit: 'ns', run: takeTurns, each: 1, times: 20_000 },
  { title: 'lines of a request head read again', unit: 'ns', run: readLinesAgain, each: 1, times: 20_000 },
  { title: 'head of an answer written to the slab', unit: 'ns', run: writeHeads, each: 1, times: 20_000 },
  ...bodies.map(({ bytes, body }) => ({
    title: `chunks of ${bytes} bytes decoded`,
    unit: 'MB/s',
    run: decode(body),
    each: body.length,
    times: 1000,
  })),
]

parseRequestHead(REQUEST, 0, REQUEST.length, LIMITS, other)
const figures = cases.map((): number[] => [])
for (let round = -20; round < rounds; round += 1) {
  cases.forEach(({ run, times, each, unit }, i) => {
    const began = process.hrtime.bigint()
    const sum = run(times)
    const ns = Number(process.hrtime.bigint() - began) / times
    if (!(sum > 0)) throw new Error('nothing was done')
    // The first rounds warm up.
    if (round >= 0) figures[i]!.push(unit === 'ns' ? ns / each : (each / ns) * 1000)
  })
}
console.log(`${'codec'.padEnd(48)} ${'median'.padStart(10)} ${'best'.padStart(10)}`)
cases.forEach(({ title, unit }, i) => {
  const sorted = figures[i]!.sort((a, b) => (unit === 'ns' ? a - b : b - a))
  const text = (figure: number): string => figure.toFixed(0).padStart(10)
  console.log(`${title.padEnd(48)} ${text(sorted[sorted.length >> 1]!)} ${text(sorted[0]!)} ${unit}`)
})
