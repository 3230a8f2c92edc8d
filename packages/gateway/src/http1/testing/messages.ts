/**
 * Makes valid messages of every shape the grammar has (RFC 9110, 9112), with what was meant by them.
 *
 * @module
 */
import { METHODS } from '../methods.ts'
import { ANY, anyCase, makeBlank, makeExtension, makeName, makeValue, PATH, TOKEN, VALUE } from './parts.ts'
import type { Random } from './random.ts'
import type { Case, Message } from './verdict.ts'

const SERVED = METHODS.filter((method) => method !== 'CONNECT' && method !== 'TRACE')
const USUAL_METHODS = ['GET', 'GET', 'GET', 'HEAD', 'POST', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']

/** Bytes at which our reader goes over to another way of reading, or takes no more. */
const CORNERS = [2048, 2048, 2048, 4096, 16_384]

type Line = readonly [name: string, value: string]

/** The wire form of a message and what is meant by it. */
interface Made {
  text: string
  meant: Omit<Message, 'end'>
}

/** A connection full of requests: one, or a few in a row. */
export function makeRequests(random: Random): Case {
  const isTight = random.once(8)
  const isSmall = isTight || !random.once(3)
  const made: Made[] = []
  for (let left = isTight || !random.once(4) ? 1 : random.between(2, 3); left > 0; left -= 1) {
    const next = makeRequest(random, isSmall, isTight)
    made.push(next)
    if (!next.meant.keeps) break
  }
  return asCase('request', made, { asked: 'GET', closes: false, isTight })
}

/** The answer to a request, with what may come before it. */
export function makeResponse(random: Random): Case {
  const isTight = random.once(8)
  const isSmall = isTight || !random.once(3)
  const asked = random.once(8) ? 'HEAD' : 'GET'
  const made: Made[] = []
  while (!isTight && random.once(6) && made.length < 3) made.push(makeInformation(random))
  made.push(makeAnswer(random, asked, isSmall, isTight))
  return asCase('response', made, { asked, closes: true, isTight })
}

function asCase(
  kind: Case['kind'],
  made: readonly Made[],
  rest: Pick<Case, 'asked' | 'closes' | 'isTight'>,
): Case {
  let text = ''
  const intended = made.map(({ text: wire, meant }): Message => {
    text += wire
    return { ...meant, end: text.length }
  })
  return { kind, bytes: Buffer.from(text, 'latin1'), ...rest, intended }
}

function makeRequest(random: Random, isSmall: boolean, isTight: boolean): Made {
  const minor = random.once(8) ? 0 : 1
  const method = random.once(4) ? random.pick(SERVED) : random.pick(USUAL_METHODS)
  const target = isTight ? `/${random.text(PATH, 0, 8)}` : makeTarget(random, method, isSmall)
  const lines: Line[] =
    minor === 1 || random.once(2) ? [['Host', random.pick(['a', 'a.example:80', '[::1]'])]] : []
  if (isTight)
    return assemble(
      random,
      `${method} ${target} HTTP/1.${minor}`,
      `${method} ${target} ${minor}`,
      minor,
      lines,
    )
  if (minor === 1 && random.once(12)) lines.push(['Expect', anyCase(random, '100-continue')])
  addLines(random, lines, isSmall)
  const size = sizeOf(random, isSmall)
  const body = addBody(random, lines, minor, size, random.int(3))
  return assemble(
    random,
    `${random.once(12) ? '\r\n' : ''}${method} ${target} HTTP/1.${minor}`,
    `${method} ${target} ${minor}`,
    minor,
    lines,
    body,
    size,
  )
}

function makeTarget(random: Random, method: string, isSmall: boolean): string {
  if (method === 'OPTIONS' && random.once(2)) return '*'
  const rest = `/${random.text(PATH, 0, isSmall ? 8 : 80)}`
  if (!random.once(6)) return rest
  const host = random.pick(['a', 'A.example:8080', '[::1]:80', '127.0.0.1'])
  return `${anyCase(random, random.pick(['http', 'https']))}://${host}${random.once(4) ? '' : rest}`
}

function makeInformation(random: Random): Made {
  const status = random.pick([100, 102, 103, 103, 110, 199])
  const lines: Line[] = []
  addLines(random, lines, true, false)
  return assemble(random, `HTTP/1.1 ${status} `, `${status} 1 `, 1, lines)
}

function makeAnswer(random: Random, asked: 'GET' | 'HEAD', isSmall: boolean, isTight: boolean): Made {
  const minor = random.once(6) ? 0 : 1
  const status = random.once(4) ? random.between(200, 999) : random.pick([200, 200, 204, 304, 404, 500])
  const reason = random.once(4) ? '' : random.once(3) ? `${random.text(VALUE, 1, 9)} x` : 'OK'
  const hasBlank = reason !== '' || random.once(2)
  const lines: Line[] = []
  if (!isTight) addLines(random, lines, isSmall)
  const isBare = status === 204 || status === 304 || asked === 'HEAD'
  const size = isTight ? 'small' : sizeOf(random, isSmall)
  let body = addBody(random, lines, minor, size, isTight ? 0 : random.int(isBare ? 3 : 4))
  if (isBare) body = NO_BODY
  else if (isTight) lines.push(['Content-Length', '0'])
  const isUntilClose =
    !isBare && !isTight && !lines.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name))
  if (isUntilClose) body = { wire: random.text(ANY, 0, DATA_BYTES[size]), data: '', trailers: [] }
  const made = assemble(
    random,
    `HTTP/1.${minor} ${status}${hasBlank ? ' ' : ''}${reason}`,
    `${status} ${minor} ${reason}`,
    minor,
    lines,
    isUntilClose ? { ...body, data: body.wire } : body,
    size,
  )
  if (isUntilClose) made.meant.keeps = false
  return made
}

type Size = 'small' | 'medium' | 'large'

const DATA_BYTES = { small: 12, medium: 300, large: 4000 }
const CHUNK_BYTES = { small: 18, medium: 90, large: 3000 }

function sizeOf(random: Random, isSmall: boolean): Size {
  if (random.once(40)) return 'large'
  return isSmall ? 'small' : 'medium'
}

interface Body {
  wire: string
  data: string
  trailers: readonly Line[]
}

const NO_BODY: Body = { wire: '', data: '', trailers: [] }

/** Ways: 0 none, 1 by length, 2 or more chunked. */
function addBody(random: Random, lines: Line[], minor: 0 | 1, size: Size, way: number): Body {
  if (way === 0) return NO_BODY
  if (way === 1 || minor === 0) {
    const data = random.text(ANY, size === 'large' ? 2000 : 0, random.once(300) ? 70_000 : DATA_BYTES[size])
    const zeros = random.once(8) ? '00' : ''
    lines.push([anyCase(random, 'Content-Length'), `${zeros}${data.length}`])
    return { wire: data, data, trailers: [] }
  }
  lines.push([anyCase(random, 'Transfer-Encoding'), anyCase(random, 'chunked')])
  let wire = ''
  let data = ''
  for (let left = random.int(size === 'small' ? 3 : 6); left > 0; left -= 1) {
    const chunk = random.text(ANY, 1, random.once(300) ? 70_000 : CHUNK_BYTES[size])
    data += chunk
    const digits = anyCase(random, chunk.length.toString(16))
    wire += `${random.once(8) ? '000' : ''}${digits}${makeExtension(random)}\r\n${chunk}\r\n`
  }
  wire += `${random.once(8) ? '00' : '0'}${makeExtension(random)}\r\n`
  const trailers: Line[] = []
  while (random.once(4)) trailers.push([`X-${random.text(TOKEN, 1, 6)}`, makeValue(random, true)])
  for (const [name, value] of trailers) wire += `${name}:${makeBlank(random)}${value}${makeBlank(random)}\r\n`
  return { wire: `${wire}\r\n`, data, trailers }
}

function addLines(random: Random, lines: Line[], isSmall: boolean, hasConnection = true): void {
  const count = isSmall ? random.int(4) : random.once(100) ? random.between(60, 90) : random.int(12)
  for (let left = count; left > 0; left -= 1) {
    const name = random.once(2) ? makeName(random) : `x${random.text(TOKEN, 1, 7)}`
    lines.push([name, makeValue(random, isSmall)])
  }
  if (!hasConnection || !random.once(3)) return
  const tokens = [
    anyCase(random, random.pick(['keep-alive', 'close', 'te', 'upgrade', 'x-y', 'closed', 'keep-alives'])),
  ]
  while (random.once(3)) tokens.push(anyCase(random, random.pick(['keep-alive', 'close', 'upgrade', 'x'])))
  lines.push([anyCase(random, 'Connection'), tokens.join(random.pick([',', ', ', ' ,\t', ',']))])
  if (random.once(4)) lines.push(['Upgrade', 'websocket'])
}

function assemble(
  random: Random,
  firstLine: string,
  first: string,
  minor: 0 | 1,
  lines: readonly Line[],
  body: Body = NO_BODY,
  size: Size = 'small',
): Made {
  let text = `${firstLine}\r\n`
  const fields: string[] = []
  const shuffled = random.shuffle(lines)
  for (const [name, value] of shuffled) {
    // Some readers take a tab after these two values for a part of them: it is refused.
    const blank = /^(content-length|transfer-encoding)$/i.test(name) ? ' ' : makeBlank(random)
    text += `${name}:${makeBlank(random)}${value}${random.once(4) ? blank : ''}\r\n`
    fields.push(name, value)
  }
  if (size === 'large') {
    const missing = random.pick(CORNERS) + random.between(-12, 0) - text.length - 'X: \r\n\r\n'.length
    const padding = random.text(VALUE, Math.max(1, missing), Math.max(1, missing))
    text += `X: ${padding}\r\n`
    fields.push('X', padding)
  }
  text += `\r\n${body.wire}`
  const tokens = shuffled
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) =>
      value
        .toLowerCase()
        .split(',')
        .map((token) => token.trim()),
    )
  const lasts = minor === 1 ? !tokens.includes('close') : tokens.includes('keep-alive')
  const isRequest = !firstLine.startsWith('HTTP/')
  const leaves =
    isRequest && tokens.includes('upgrade') && shuffled.some(([name]) => name.toLowerCase() === 'upgrade')
  const meant = {
    first,
    fields,
    body: body.data,
    trailers: body.trailers.flat(),
    keeps: lasts && !leaves,
    isComplete: true,
  }
  return { text, meant }
}
