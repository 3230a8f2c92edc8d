/**
 * Sends one case of the corpus through a gateway and says what was wrong with what became of it.
 *
 * @module
 */
import type { TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Message, readAnswers, statusOf } from '../../support/messages.ts'
import type { Received, Recorder } from '../../support/recorder.ts'
import { type Case, HOST, type Reading } from './corpus/case.ts'
import { openVisitor, show, type Visitor } from './visitor.ts'

export type Way = 'at once' | 'in pieces' | 'with another request behind'

export interface Trial {
  /** What was wrong; undefined when all was as expected. */
  run(one: Case, way: Way): Promise<string | undefined>
}

/** Said by the gateway about itself and the visitor: each exactly once, whatever the visitor said. */
const OURS = ['host', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port', 'forwarded', 'x-request-id', 'hydra-path'] // biome-ignore format: a list
const FRAMING = ['content-length', 'transfer-encoding']
/** The second for whoever comes through another gateway, or says so. */
const MAY_BE_ADDED = /^connection: keep-alive$|^cdn-loop: hydra-[0-9a-f]+$/

/** `service` is the name under which the recorder is registered. */
export function createTrial(
  t: Pick<TestContext, 'after'>,
  { port, recorder, service }: { port: number; recorder: Recorder; service: string },
): Trial {
  let count = 0
  let fence: Visitor | undefined
  let fenced = 0
  t.after(() => fence?.socket.destroy())

  /** A request of somebody else: once it was answered, everything sent before it has had its time. */
  async function somebodyElse(): Promise<string | undefined> {
    if (!fence || fence.isClosed) {
      fence = openVisitor(port)
      fenced = 0
    }
    const path = `/else-${++count}`
    fence.socket.write(`GET ${path} HTTP/1.1\r\n${HOST}\r\n`)
    fenced++
    const methods = Array.from({ length: fenced }, () => 'GET')
    const { text } = await waited(
      fence,
      () => readAnswers(fence!.text, methods, false).answers.length >= fenced,
    )
    const last = readAnswers(text, methods, false).answers[fenced - 1]
    return last?.body === `GET ${path}` ? undefined : `somebody else was not answered: ${show(text)}`
  }

  function readings({ requests, faults }: Received): string {
    return JSON.stringify([...requests.map(({ start }) => start), ...faults])
  }

  async function run({ name, bytes, expect }: Case, way: Way): Promise<string | undefined> {
    recorder.take()
    const id = ++count
    const probe = `GET /next-${id} HTTP/1.1\r\n${HOST}\r\n`
    const isTogether = way === 'with another request behind'
    if (isTogether && expect.kind === 'unfinished') return undefined
    const visitor = openVisitor(port)
    try {
      await send(visitor, isTogether ? bytes + probe : bytes, way === 'in pieces' ? seedOf(name) : undefined)
      if (expect.kind === 'accepted') return await accepted(visitor, bytes, expect.reading, expect.isLast)
      if (expect.kind === 'unfinished') visitor.socket.end()
      return await refused(visitor, expect)
    } catch (error) {
      return (error as Error).message
    } finally {
      visitor.socket.destroy()
    }

    async function refused(
      from: Visitor,
      { kind, ...more }: Exclude<Case['expect'], { kind: 'accepted' }>,
    ): Promise<string | undefined> {
      const methods = [methodOf(bytes), 'GET']
      if (kind === 'turned-down') {
        // Its framing was clear, so the connection may be kept; and then the next request is an ordinary one.
        await from.until(() => readAnswers(from.text, methods, from.isClosed).answers.length > 0)
      } else await from.until(() => from.isClosed)
      const { answers, rest } = readAnswers(from.text, methods, from.isClosed)
      const wrong = await somebodyElse()
      if (wrong) return wrong
      const received = recorder.take()
      const reached = received.requests.filter(({ start }) => !/ \/else-\d+ /.test(start))
      const isNext = ({ start }: Message) => start === `GET /next-${id} HTTP/1.1`
      const isKept = kind === 'turned-down' && isTogether
      if (reached.some((request) => !(isKept && isNext(request))) || received.faults.length > 0) {
        return `a service was sent ${readings(received)}`
      }
      if ((kind === 'refused' || kind === 'turned-down') && received.looseBytes > 0) {
        return `a service was sent ${received.looseBytes} bytes`
      }
      if (kind !== 'turned-down' && !from.isClosed) return `the connection stayed open: ${show(from.text)}`
      if (kind === 'unfinished') return undefined
      const statuses = (more as { statuses: readonly number[] }).statuses
      const [first] = answers
      if (!first || !statuses.includes(statusOf(first))) {
        return `expected ${statuses.join(' or ')}, got ${show(from.text)}`
      }
      if (rest !== '' || (answers.length > 1 && !isKept))
        return `something follows the answer: ${show(from.text)}`
      return undefined
    }
  }

  async function accepted(
    visitor: Visitor,
    bytes: string,
    reading: Reading,
    isLast: boolean,
  ): Promise<string | undefined> {
    const id = count
    const methods = [reading.method, 'GET']
    const isTogether =
      visitor.socket.bytesWritten > bytes.length || visitor.socket.writableLength > bytes.length
    const read = () => readAnswers(visitor.text, methods, visitor.isClosed)
    if (!isTogether) {
      await visitor.until(() => read().answers.length > 0)
      if (!isLast) visitor.socket.write(`GET /next-${id} HTTP/1.1\r\n${HOST}\r\n`)
    }
    await visitor.until(() => (isLast ? visitor.isClosed : read().answers.length > 1))
    const { answers, rest } = read()
    const wanted = [`${reading.method} ${reading.target}`, ...(isLast ? [] : [`GET /next-${id}`])]
    const bodies = wanted.map((body) => (body.startsWith('HEAD ') ? '' : body))
    if (
      answers.length !== wanted.length ||
      rest !== '' ||
      answers.some(({ body }, i) => body !== bodies[i])
    ) {
      return `expected answers ${JSON.stringify(wanted)}, got ${show(visitor.text)}`
    }
    if (answers.some((answer) => statusOf(answer) !== 200)) return `got ${show(visitor.text)}`
    if (isLast && !visitor.isClosed) return 'the connection stayed open'
    const received = recorder.take()
    const starts = received.requests.map(({ start }) => start)
    const expected = wanted.map((line) => `${line} HTTP/1.1`)
    if (received.faults.length > 0 || received.looseBytes > 0 || starts.join() !== expected.join()) {
      return `expected the service to be sent ${JSON.stringify(expected)}, it was sent ${readings(received)} and ${received.looseBytes} bytes`
    }
    return misread(received.requests[0]!, reading, service)
  }

  return { run }
}

/** What of a request is not as the service has to see it. */
function misread({ lines, body, trailers }: Message, reading: Reading, service: string): string | undefined {
  if (body !== reading.body) return `the body became ${show(body)}`
  if (/^(?!x-checksum:)/im.test(trailers) && trailers !== '')
    return `trailers were passed on: ${show(trailers)}`
  const own: (readonly [string, string])[] = []
  const ours = new Map<string, string[]>()
  for (const [name, value] of lines) {
    const key = name.toLowerCase()
    if (OURS.includes(key)) ours.set(key, [...(ours.get(key) ?? []), value])
    else if (!FRAMING.includes(key) && !MAY_BE_ADDED.test(`${key}: ${value}`)) own.push([name, value])
  }
  if (JSON.stringify(own) !== JSON.stringify(reading.lines))
    return `its lines became ${show(JSON.stringify(own))}`
  const { host } = reading
  const port = /:(\d+)$/.exec(host)?.[1] ?? '80'
  const quoted = /[:[]/.test(host) ? `"${host}"` : host
  const wanted: Record<string, string | undefined> = {
    host,
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': host,
    'x-forwarded-port': port,
    forwarded: `for=127.0.0.1;host=${quoted};proto=http`,
    'hydra-path': service,
  }
  for (const key of OURS) {
    const values = ours.get(key) ?? []
    if (values.length !== 1) return `${key} stands there ${values.length} times`
    if (key === 'x-request-id' ? values[0]!.length < 16 : values[0] !== wanted[key]) {
      return `${key} became ${show(values[0]!)}`
    }
  }
  return undefined
}

async function waited(visitor: Visitor, isTrue: () => boolean): Promise<Visitor> {
  await visitor.until(isTrue)
  return visitor
}

/** Sends bytes in one piece, or cut at three places that depend on the seed. */
async function send({ socket }: Visitor, bytes: string, seed: number | undefined): Promise<void> {
  if (seed === undefined) {
    socket.write(bytes, 'latin1')
    return
  }
  const cuts = [1, 2, 3].map((i) => (Math.imul(seed, 2654435761 * i) >>> 0) % (bytes.length + 1))
  cuts.sort((a, b) => a - b)
  let from = 0
  for (const to of [...cuts, bytes.length]) {
    if (to > from && socket.writable) socket.write(bytes.slice(from, to), 'latin1')
    from = to
    for (let turn = 0; turn < 3; turn++) await nextTurn()
  }
}

function seedOf(name: string): number {
  let seed = 1
  for (const character of name) seed = (Math.imul(seed, 31) + character.charCodeAt(0)) | 0
  return seed
}

function methodOf(bytes: string): string {
  return bytes.startsWith('HEAD ') ? 'HEAD' : 'GET'
}
