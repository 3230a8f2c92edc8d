/**
 * Services that lie, break off or never end: their visitor sees an error or an answer that is cut, and everybody
 * else gets exactly the answer that was meant for him.
 */
import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../support/eventually.ts'
import { startGateway, type TestGateway } from '../../support/gateway.ts'
import { medusaBean } from '../../support/medusa-client.ts'
import { type Message, readAnswers, statusOf } from '../../support/messages.ts'
import { LIES, type Lie } from './corpus/answers.ts'
import { openVisitor, show, type Visitor } from './visitor.ts'

const HOST = 'Host: shop.example\r\n'
/** A stranger's head is found by this; his body may be anything. */
const HEAD = /(GET|HEAD|POST) \/(lie|honest)\/(\d+) HTTP\/1\.1\r\n(?:[^\r\n]+\r\n)*\r\n/
/** So much is taken from somebody who never ends; a gateway that takes more has no limit. */
const MOST_ENDLESS = 64 * 1024 * 1024

const ends: (() => unknown)[] = []
const told = new Map<string, Lie>()
/** Where each lie was told. */
const liars = new Map<string, Socket>()
let gateway: TestGateway
let count = 0

before(async () => {
  const server = createServer({ allowHalfOpen: true }, serve)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ends.push(() => server.close())
  gateway = await startGateway(
    { after: (end?: unknown) => void ends.push(end as () => unknown) },
    { lease: { ttl: '600s' }, http: { headTimeout: '1s', idleTimeout: '1s' } },
  )
  const bean = medusaBean('liar', (server.address() as AddressInfo).port, { endpoints: ['/**'] })
  const registered = await fetch(`${gateway.discovery}/registration`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(bean),
  })
  assert.equal(registered.status, 200, await registered.text())
})
after(async () => {
  for (const end of ends.reverse()) await end()
})

/** Answers honest requests with their number, the others as their lie says, one after another. */
function serve(socket: Socket): void {
  let text = ''
  let isAnswering = false
  socket.setNoDelay(true)
  socket.on('error', () => {}).on('end', () => socket.end())
  socket.on('data', async (chunk) => {
    text += chunk.toString('latin1')
    if (isAnswering) return
    isAnswering = true
    for (let match = HEAD.exec(text); match; match = HEAD.exec(text)) {
      const [head, , what, id = ''] = match
      text = text.slice(match.index + head.length)
      if (what === 'honest') socket.write(honest(id))
      else {
        liars.set(id, socket)
        await tell(socket, id, told.get(id)!)
      }
    }
    isAnswering = false
  })
}

const honest = (id: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${7 + id.length}\r\n\r\nhonest ${id}`
/** Six and eight characters, as in the corpus. */
const marker = (id: string) => `m${id.padStart(5, '0')}`
const leftover = (id: string) => `left${id.padStart(4, '0')}`

async function tell(socket: Socket, id: string, { pieces, afterwards }: Lie): Promise<void> {
  const write = (piece: string) => {
    if (socket.writable && piece !== '') {
      return socket.write(
        piece.replaceAll('MARKER', marker(id)).replaceAll('LEFTOVER', leftover(id)),
        'latin1',
      )
    }
    return socket.writable
  }
  for (const piece of pieces) {
    write(piece)
    // A packet of its own: what was sent is on its way by then, however busy this machine is.
    await delay(2)
  }
  if (afterwards === 'end') socket.end()
  if (afterwards === 'reset') socket.resetAndDestroy()
  if (afterwards !== 'repeat') return
  const again = pieces.at(-1)!.repeat(100)
  let sent = 0
  const pump = () => {
    while (socket.writable && sent < MOST_ENDLESS && write(again)) sent += again.length
  }
  socket.on('drain', pump)
  if (socket.destroyed) endless.push(0)
  else socket.on('close', () => endless.push(sent))
  pump()
}
const endless: number[] = []

/** Asks honestly, several times on one connection; says what was wrong. */
async function askHonestly(times: number): Promise<string | undefined> {
  const visitor = openVisitor(gateway.port)
  try {
    const methods: string[] = []
    for (let i = 0; i < times; i++) {
      const fault = await askOn(visitor, methods)
      if (fault) return fault
    }
    return undefined
  } finally {
    visitor.socket.destroy()
  }
}

async function askOn(visitor: Visitor, methods: string[]): Promise<string | undefined> {
  const id = `${++count}`
  methods.push('GET')
  visitor.socket.write(`GET /honest/${id} HTTP/1.1\r\n${HOST}\r\n`)
  const read = () => readAnswers(visitor.text, methods, visitor.isClosed)
  await visitor.until(() => read().answers.length >= methods.length)
  const { answers, rest } = read()
  if (answers.at(-1)?.body === `honest ${id}` && answers.length === methods.length && rest === '')
    return undefined
  return `an honest request got ${show(visitor.text)}`
}

async function hearOut(lie: Lie): Promise<string | undefined> {
  const id = `${++count}`
  told.set(id, lie)
  const visitor = openVisitor(gateway.port)
  const methods: string[] = [lie.method]
  try {
    // Nobody can tell late bytes from the answer to a request that is already on its way on that connection.
    const isLate = lie.expect === 'either' && lie.pieces.length > 1
    const beside = isLate ? [] : [askHonestly(1), askHonestly(2)]
    const body = lie.method === 'POST' ? 'Content-Length: 2\r\n\r\nxx' : '\r\n'
    visitor.socket.write(`${lie.method} /lie/${id} HTTP/1.1\r\n${HOST}${body}`)
    const read = () => readAnswers(visitor.text, methods, visitor.isClosed)
    await visitor.until(() => read().answers.length > 0)
    const { answers, rest } = read()
    const fault = judge(visitor, answers[0], rest, lie, id)
    if (lie.expect === 'either' && !fault) {
      await eventually(() => assert.ok(liars.get(id)?.destroyed, 'the connection of the service is kept'))
    }
    // His connection goes on where it was kept, and everybody else's does.
    const after_ = visitor.isClosed || fault ? undefined : await askOn(visitor, methods)
    const others = [...(await Promise.all(beside)), await askHonestly(2), after_]
    return fault ?? others.find((other) => other !== undefined)
  } catch (error) {
    return (error as Error).message
  } finally {
    visitor.socket.destroy()
  }
}

/** What is wrong with what the visitor of a lie saw. */
function judge(
  visitor: Visitor,
  answer: Message | undefined,
  rest: string,
  lie: Lie,
  id: string,
): string | undefined {
  const { text } = visitor
  if (text.includes(leftover(id))) return `leftovers were shown: ${show(text)}`
  if (rest !== '' && answer) return `something follows the answer: ${show(text)}`
  if (!answer) {
    if (!visitor.isClosed) return `neither an answer nor an end: ${show(text)}`
    return lie.expect === 'whole' ? `cut: ${show(text)}` : undefined
  }
  const status = statusOf(answer)
  if (status === 502 || status === 504) return lie.expect === 'whole' ? `got ${status}` : undefined
  const isAsTold = status === lie.status && answer.body === lie.body.replaceAll('MARKER', marker(id))
  if (lie.expect === 'broken' || !isAsTold) return `taken for whole: ${show(text)}`
  return undefined
}

for (const [category, lies] of LIES) {
  test(`${category}: a lie ends with its visitor, and the next one gets his own answer`, async (t) => {
    const failed: string[] = []
    for (const lie of lies) {
      const fault = await hearOut(lie)
      if (fault !== undefined) failed.push(`${lie.name}: ${fault}`)
    }
    t.diagnostic(`${category}: ${lies.length - failed.length} of ${lies.length}`)
    assert.deepEqual(failed, [])
  })
}

test('of answers without end little is taken', async () => {
  await eventually(() => assert.ok(endless.length >= 7, `${endless.length} were ended`))
  assert.ok(Math.max(...endless) < MOST_ENDLESS / 2, `${Math.max(...endless)} bytes were taken`)
})

test('after all the lies nothing is in flight, and nothing was a failure of the gateway', async () => {
  await eventually(async () => {
    const { services } = await gateway.admin('services')
    const inFlight = services.flatMap(({ instances }: any) => instances.map((one: any) => one.inFlight))
    assert.deepEqual(inFlight, [0])
  })
  const errors = gateway.lines.filter(({ level }) => level === 'error' || level === 'fatal')
  assert.deepEqual(errors, [])
})
