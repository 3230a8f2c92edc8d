/**
 * Clients as a process of its own: told what to do by messages, answers with what they saw.
 *
 * @module
 */
import { type Asked, askKept, summary } from '../../support/clients/http.ts'
import { budgetOf } from '../../support/clients/job.ts'
import { ASK, type ClientJob, type Heard, nowMs, type Opened, PATH, QUESTION, REPLY } from '../job.ts'
import { createJsonReader } from './json-reader.ts'
import { type LightSocket, openSocket, textFrame } from './socket.ts'

const OPENING = 50
const PATIENCE_MS = 30_000

const REQUEST = Buffer.from(
  [
    `GET ${PATH} HTTP/1.1`,
    'Host: shop.example',
    'Accept: application/json',
    'User-Agent: bench',
    `Authorization: Bearer ${'0123456789abcdef'.repeat(4)}`,
    '',
    '',
  ].join('\r\n'),
)

// ---- questions and answers -----------------------------------------------------------------------------------

/** Sockets that ask, by port. */
const asking = new Map<number, LightSocket[]>()
const EXPECTED = {
  message: Buffer.from(JSON.stringify(REPLY).slice(1, -1)),
  call: Buffer.from('"article 11"'),
}

async function askMessages(job: Extract<ClientJob, { what: 'ask' }>): Promise<Asked> {
  const sockets = asking.get(job.port) ?? []
  asking.set(job.port, sockets)
  while (sockets.length < job.connections) sockets.push(await openSocket(job.port, 'classic'))
  const expected = job.to.includes('[') ? EXPECTED.call : EXPECTED.message
  const body = JSON.stringify(QUESTION)
  const began = performance.now()
  const mayAsk = budgetOf(job)
  const tookMs: number[] = []
  let mids = 0
  const lane = (socket: LightSocket): Promise<void> =>
    new Promise((resolve, reject) => {
      let sentAt = 0
      let mid = ''
      const late = setInterval(() => {
        if (performance.now() - sentAt > PATIENCE_MS / 3) fail(new Error('no answer for 10 s'))
      }, 1000)
      const done = (): void => {
        clearInterval(late)
        socket.onText = undefined
        socket.onLost = undefined
      }
      const fail = (error: Error): void => {
        done()
        asking.delete(job.port)
        reject(error)
      }
      const next = (): void => {
        if (!mayAsk()) {
          done()
          resolve()
          return
        }
        mid = `m-${++mids}`
        sentAt = performance.now()
        socket.write(
          textFrame(`{"to":"${job.to}","frm":"client:/","mid":"${mid}","typ":"${ASK}","bdy":${body}}`),
        )
      }
      socket.onLost = fail
      socket.onText = (text) => {
        if (!text.includes(`"rmid":"${mid}"`) || !text.includes(expected))
          return fail(new Error(`another answer came: ${text.toString('utf8', 0, 300)}`))
        tookMs.push(performance.now() - sentAt)
        next()
      }
      next()
    })
  await Promise.all(sockets.map(lane))
  return { tookMs, seconds: (performance.now() - began) / 1000 }
}

// ---- clients that are pushed to ------------------------------------------------------------------------------

interface Pushed extends LightSocket {
  heardAt?: number
}

const open: Pushed[] = []
let wanted: Buffer | undefined
let missing = 0
let lost: Error | undefined
let settle: (() => void) | undefined

function hear(socket: Pushed): void {
  socket.onLost = (error) => {
    lost ??= error
    settle?.()
  }
  socket.onText = (text) => {
    if (wanted === undefined || socket.heardAt !== 0 || !text.includes(wanted)) return
    socket.heardAt = nowMs()
    missing--
    if (missing === 0) settle?.()
  }
}

async function openMore({ port, count, speech }: Extract<ClientJob, { what: 'open' }>): Promise<Opened> {
  let left = count
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const socket = await openSocket(port, speech)
      hear(socket)
      open.push(socket)
    }
  }
  await Promise.all(Array.from({ length: Math.min(OPENING, count) }, lane))
  return { ids: open.map(({ id }) => id), router: open[0]!.router }
}

async function heard(): Promise<Heard> {
  if (missing > 0)
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, PATIENCE_MS)
      settle = () => {
        clearTimeout(late)
        resolve()
      }
      if (lost) settle()
    })
  settle = undefined
  wanted = undefined
  if (lost) throw lost
  if (missing > 0) throw new Error(`${missing} of ${open.length} clients were told nothing`)
  return { atMs: open.map(({ heardAt }) => heardAt!) }
}

async function run(job: ClientJob): Promise<object> {
  switch (job.what) {
    case 'http':
      return summary(await askKept(job, REQUEST, createJsonReader))
    case 'ask':
      return summary(await askMessages(job))
    case 'open':
      return openMore(job)
    case 'listen':
      wanted = Buffer.from(job.text)
      missing = open.length
      for (const socket of open) socket.heardAt = 0
      return {}
    case 'heard':
      return heard()
    case 'close':
      for (const socket of open.splice(0)) socket.leave()
      lost = undefined
      return {}
  }
}

process.on('message', (job: ClientJob) => {
  run(job).then(
    (answer) => process.send!(answer),
    (error: Error) => process.send!({ error: error.message }),
  )
})
process.on('disconnect', () => process.exit())
process.send!({})
