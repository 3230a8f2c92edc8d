/**
 * A socket to a gateway that comes back by itself: it goes on where it was, hands each message over once and in order, and
 * says when some are missing. Speaks with original hydra-routers too, of which nobody can know what they lost.
 *
 * For browsers and Node; nothing is imported, so that it can be served as one file.
 *
 * @module
 */
import type {
  CallFault,
  EndReason,
  HydraSocket,
  SocketEvents,
  SocketMessage,
  SocketOptions,
  SocketState,
  WebSocketLike,
} from './types.ts'

/** A call that came to nothing. */
export class CallError extends Error {
  readonly fault: CallFault
  /** It was sent, and nobody knows whether it was done. */
  readonly isUnknown: boolean
  /** What was answered, where a handler or a router did. */
  readonly body: unknown

  constructor(fault: CallFault, reason: string, isUnknown = false, body?: unknown) {
    super(reason)
    this.name = 'CallError'
    this.fault = fault
    this.isUnknown = isUnknown
    this.body = body
  }
}

interface Call {
  /** Of which line it went out; 0: it waits. */
  line: number
  settle(error: CallError | undefined, body?: unknown): void
}

/** How long a line may take until it is open. */
const OPEN_WITHIN_MS = 15_000
/** A line that was open for so long was a good one: the next attempt is a first one. */
const GOOD_AFTER_MS = 10_000
const ROUTER = 'hydra-router:/'
// biome-ignore lint/suspicious/noExplicitAny: whatever was sent
type Frame = Record<string, any>

/** Opens a socket. `url`: `/_hydra/socket` of the page's own site, or `wss://shop.example/_hydra/socket`. */
export function openSocket(url: string, options: SocketOptions = {}): HydraSocket {
  const {
    storage,
    storageName = 'hydra-socket',
    maxQueued = 100,
    firstRetryMs = 500,
    maxRetryMs = 30_000,
    ackEvery = 32,
    ackAfterMs = 5000,
    heartbeatMs = 30_000,
  } = options
  const Socket = options.WebSocket ?? (globalThis.WebSocket as unknown as SocketOptions['WebSocket'])
  if (!Socket) throw new TypeError('there is no WebSocket here: give one, such as that of `ws`')
  const { location } = globalThis as { location?: { href: string } }
  const address = new URL(url, location?.href)
  address.protocol = address.protocol.replace('http', 'ws')

  let state: SocketState = 'connecting'
  let id: string | undefined
  let token: string | undefined
  let epoch = ''
  let at = ''
  let offset = 0
  let unconfirmed = 0
  let line: WebSocketLike | undefined
  /** Grows with each line. */
  let lineNumber = 0
  let isResuming = false
  let attempts = 0
  let openedAt = 0
  let heardAt = 0
  let pingedAt = 0
  let wasOpened = false
  /** An original router was asked for our former id. */
  let isReclaiming = false
  let refusedFor: string | undefined
  let sessionMid: string | undefined
  /** Says that all its lines are one client's: a node that stood still may give the session to one that is long gone. */
  const self = newId()
  let retry: Timer
  let opening: Timer
  let acking: Timer
  const calls = new Map<string, Call>()
  const queue: { mid: string; go(): void; fail(error: CallError): void }[] = []
  const handlers = new Map<string, Set<(message: SocketMessage) => void>>()
  const listeners = new Map<string, Set<(value: never) => void>>()

  function emit<Name extends keyof SocketEvents>(name: Name, value: SocketEvents[Name]): void {
    for (const listener of [...(listeners.get(name) ?? [])]) guarded(listener as never, value)
  }
  /** What an application gets wrong is its own: the rest goes on. */
  function guarded(run: (value: unknown) => void, value: unknown): void {
    try {
      run(value)
    } catch (error) {
      const { reportError } = globalThis as { reportError?: (error: unknown) => void }
      if (reportError) reportError(error)
      else queueMicrotask(() => emit('error', error as Error))
    }
  }
  function turn(to: SocketState): void {
    if (state === to) return
    state = to
    emit('state', to)
  }
  const isOver = (): boolean => state === 'closed' || state === 'ended'

  // ---- what goes out

  function write(to: string, body: unknown, more: Frame = {}): string {
    const mid = more.mid ?? newId()
    const frm = id === undefined ? 'client:/' : `${id}@client:/`
    // Routers hand on what is for another client when it is forwarded.
    const way = to.endsWith('@client:/') ? { to: ROUTER, fwd: to } : { to }
    const frame = { ...way, frm, ...more, mid, ts: new Date().toISOString(), ver: 'UMF/1.4.6', bdy: body }
    line?.send(JSON.stringify(frame))
    return mid
  }
  const tell = (typ: string, body: unknown = {}): string => write(ROUTER, body, { typ })

  /** Now, or when the line is back. */
  function leave(mid: string, go: () => void, fail: (error: CallError) => void): void {
    // A line that is closing takes what it is given, and brings it nowhere.
    if (state === 'open' && line?.readyState === 1) go()
    else if (isOver()) fail(new CallError('closed', 'the socket is closed'))
    else if (queue.length >= maxQueued)
      fail(new CallError('throttled', 'too many messages wait for the line'))
    else queue.push({ mid, go, fail })
  }
  function ack(): void {
    clearTimeout(acking)
    acking = undefined
    if (unconfirmed === 0 || !isResuming || state !== 'open') return
    unconfirmed = 0
    tell('ack', { at })
  }

  // ---- what comes in

  function receive(text: string): void {
    heardAt = Date.now()
    let frame: Frame
    try {
      frame = JSON.parse(text)
    } catch {
      return
    }
    const message: SocketMessage = {
      type: frame.typ ?? frame.type ?? 'msg',
      body: frame.bdy ?? frame.body ?? {},
      from: frame.frm ?? frame.from ?? '',
      mid: frame.mid,
      ...((frame.rmid ?? frame.rmi) && { rmid: frame.rmid ?? frame.rmi }),
    }
    if (typeof frame.at === 'string') {
      const place = Number.parseInt(frame.at, 10)
      if (!(place > offset)) return
      offset = place
      at = frame.at
      if (++unconfirmed >= ackEvery) queueMicrotask(ack)
      else acking ??= setTimeout(ack, ackAfterMs)
    } else if (isRouter(message.from) && word(message)) return
    deliver(message)
  }
  /** Messages of the router itself; they have no place. */
  function word({ type, body, rmid }: SocketMessage): boolean {
    if (type === 'connection') {
      // With originals other clients can say it too; no router does by itself once the line is open.
      if (state !== 'open') greeted(body)
    } else if (type === 'session' && isResuming && rmid === sessionMid) sessionAnswered(body)
    else if (type === 'lost' && isResuming) {
      placed(body)
      emit('lost', body.lost)
    } else if (type === 'drain' && isResuming) moveWithin(body.withinMs)
    else return type === 'pong'
    return true
  }
  function deliver(message: SocketMessage): void {
    const { rmid, body, from, type } = message
    const isRefused = isRouter(from) && typeof body.error === 'string'
    const call = rmid === undefined ? undefined : calls.get(rmid)
    if (call) call.settle(isRefused || body.error === true ? failure(body) : undefined, body)
    else if (isRefused) emit('error', failure(body))
    else
      for (const name of [type, '*'])
        for (const handler of [...(handlers.get(name) ?? [])]) guarded(handler as never, message)
  }
  function placed(body: Frame): void {
    epoch = body.epoch
    at = body.at
    offset = Number.parseInt(at, 10) || 0
    unconfirmed = 0
  }

  // ---- the line

  /** The router's first word, or that it gave us our former id. */
  async function greeted({ id: given, resume }: Frame): Promise<void> {
    const own = lineNumber
    if (resume === 1) {
      const login = await Promise.resolve(options.login?.()).catch(() => undefined)
      if (own !== lineNumber) return
      isResuming = true
      sessionMid = tell('session', { self, ...(token && { token, epoch, at }), ...(login && { login }) })
      return
    }
    isResuming = false
    // An original: our former id, and its mail, are ours for the asking.
    if (id !== undefined && id !== given && !token && !isReclaiming) {
      isReclaiming = true
      tell('reconnect', { id })
      return
    }
    isReclaiming = false
    id = given
    opened(wasOpened ? 'unknown' : undefined)
  }
  function sessionAnswered(body: Frame): void {
    refusedFor = body.error
    // The gateway closes the line.
    if (refusedFor) return
    const isBack = token !== undefined
    ;({ id, token } = body as { id: string; token: string })
    placed(body)
    opened(isBack ? body.recovered : undefined)
    if (isBack && !body.recovered) emit('lost', body.lost)
  }
  function opened(recovered: boolean | 'unknown' | undefined): void {
    clearTimeout(opening)
    openedAt = Date.now()
    wasOpened = true
    turn('open')
    if (recovered !== undefined) emit('recovered', recovered)
    for (const { go } of queue.splice(0)) go()
  }
  function connect(): void {
    clearTimeout(retry)
    const own = ++lineNumber
    refusedFor = undefined
    let next: WebSocketLike
    try {
      next = new Socket!(address.href)
    } catch (error) {
      emit('error', error as Error)
      again()
      return
    }
    line = next
    heardAt = Date.now()
    clearTimeout(opening)
    opening = setTimeout(() => drop(own), OPEN_WITHIN_MS)
    next.onmessage = ({ data }: { data: unknown }) => {
      if (own === lineNumber && typeof data === 'string') receive(data)
    }
    next.onerror = () => {}
    next.onclose = ({ code }: { code: number }) => {
      if (own === lineNumber) gone(code)
    }
  }
  /** Gives a line up without waiting for its goodbye. */
  function drop(own: number): void {
    if (own !== lineNumber) return
    line?.close()
    gone(1006)
  }
  function gone(code: number): void {
    lineNumber++
    line = undefined
    clearTimeout(opening)
    clearTimeout(acking)
    acking = undefined
    if (isOver()) return
    const wasOpen = state === 'open'
    if (wasOpen && Date.now() - openedAt > GOOD_AFTER_MS) attempts = 0
    for (const call of [...calls.values()])
      if (call.line > 0)
        call.settle(new CallError('broken', 'the line broke: nobody knows whether it was done', true))
    // The id we asked for is not given to us.
    if (isReclaiming) id = undefined
    isReclaiming = false
    if (code === 4409) end('replaced')
    else if (code === 4401 && refusedFor === 'login') void signIn()
    else if (code === 4401) end('session')
    else {
      if (code === 4429) attempts = Math.max(attempts, 5)
      if (wasOpened) turn('away')
      again()
    }
  }
  function again(): void {
    const most = Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(attempts++, 20))
    clearTimeout(retry)
    retry = setTimeout(connect, Math.random() * most)
  }
  async function signIn(): Promise<void> {
    turn('away')
    const own = lineNumber
    const renew = options.renewLogin ?? (options.login || !location ? undefined : renewHere)
    const isRenewed = await Promise.resolve(renew?.()).catch(() => undefined)
    if (own !== lineNumber || isOver()) return
    // Where a token is asked for anew with each line it may be a newer one now.
    if (isRenewed || (renew === undefined && options.login && attempts < 3)) return again()
    end('login')
  }
  /** The node stops: to another one, at a moment of our own. What was asked is answered there. */
  function moveWithin(withinMs: number): void {
    clearTimeout(retry)
    retry = setTimeout(() => {
      const old = line
      ack()
      lineNumber++
      for (const call of calls.values()) if (call.line > 0) call.line = lineNumber
      turn('away')
      connect()
      for (const call of calls.values()) if (call.line > 0) call.line = lineNumber
      old?.close(1000, 'moves')
    }, Math.random() * withinMs)
  }
  function end(reason: EndReason): void {
    forget()
    shut('ended')
    emit('ended', reason)
  }
  function shut(to: 'ended' | 'closed'): void {
    for (const timer of [retry, opening, acking]) clearTimeout(timer)
    clearInterval(beat)
    stopHearing()
    turn(to)
    const error = new CallError('closed', 'the socket is closed', true)
    for (const { fail } of queue.splice(0)) fail(new CallError('closed', 'the socket is closed'))
    for (const call of [...calls.values()]) call.settle(error)
  }
  function forget(): void {
    token = undefined
    storage?.removeItem(storageName)
  }

  // ---- a page that goes and comes

  const page = globalThis as Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>>
  const onPage: Record<string, () => void> = {
    // Between two pages only: of a tab that is doubled both would have it.
    pagehide() {
      ack()
      if (token) storage?.setItem(storageName, JSON.stringify([token, epoch, at, id]))
    },
    pageshow: () => storage?.removeItem(storageName),
    online: () => {
      if (!line && !isOver()) connect()
    },
  }
  for (const name in onPage) page.addEventListener?.(name, onPage[name]!)
  const stopHearing = (): void => {
    for (const name in onPage) page.removeEventListener?.(name, onPage[name]!)
  }
  try {
    const kept = JSON.parse(storage?.getItem(storageName) ?? 'null')
    storage?.removeItem(storageName)
    if (kept) {
      ;[token, epoch, at, id] = kept
      offset = Number.parseInt(at, 10) || 0
    }
  } catch {
    // Somebody else's: begin.
  }

  // A line may be dead without a word; only an answer shows that it is not.
  const beat = setInterval(() => {
    if (state !== 'open') return
    const now = Date.now()
    if (pingedAt > heardAt) {
      if (now - pingedAt > heartbeatMs / 2) drop(lineNumber)
    } else if (now - heardAt >= heartbeatMs) {
      pingedAt = now
      tell('ping')
    }
  }, heartbeatMs / 4)
  connect()

  return {
    get id() {
      return id
    },
    get state() {
      return state
    },
    send(to, body, { type, headers } = {}) {
      return new Promise((resolve, reject) => {
        const mid = newId()
        checked(body)
        const go = (): void => {
          write(to, body, { mid, ...(type && { typ: type }), ...(headers && { hdr: headers }) })
          resolve(mid)
        }
        leave(mid, go, reject)
      })
    },
    call(to, body, { type, headers, timeoutMs = 10_000 } = {}) {
      return new Promise((resolve, reject) => {
        const mid = newId()
        checked(body)
        const call: Call = {
          line: 0,
          settle(error, answer) {
            clearTimeout(timer)
            calls.delete(mid)
            const waits = queue.findIndex((one) => one.mid === mid)
            if (waits >= 0) queue.splice(waits, 1)
            if (error) reject(error)
            else resolve(answer)
          },
        }
        const timer = setTimeout(() => {
          const wasSent = call.line > 0
          call.settle(new CallError('timeout', `no answer within ${timeoutMs} ms`, wasSent))
        }, timeoutMs)
        calls.set(mid, call)
        const go = (): void => {
          call.line = lineNumber
          write(to, body, { mid, ...(type && { typ: type }), ...(headers && { hdr: headers }) })
        }
        leave(mid, go, (error) => call.settle(error))
      })
    },
    onMessage: (type, handler) => listen(handlers, type, handler),
    on: (name, listener) => listen(listeners, name, listener as never),
    renew(login) {
      return new Promise((resolve, reject) => {
        if (state !== 'open' || !isResuming)
          return reject(new CallError('invalid', 'there is nothing to renew now'))
        const mid = tell('renew', login === undefined ? {} : { login })
        const timer = setTimeout(() => settle(new CallError('timeout', 'no answer')), 10_000)
        const settle: Call['settle'] = (error, answer) => {
          clearTimeout(timer)
          calls.delete(mid)
          const { endsAt } = (answer ?? {}) as { endsAt?: number }
          if (error || endsAt === undefined)
            reject(error ?? new CallError('login', 'the sign-in can’t be renewed'))
          else resolve(endsAt)
        }
        calls.set(mid, { line: lineNumber, settle })
      })
    },
    close() {
      if (isOver()) return
      ack()
      if (state === 'open' && isResuming) tell('end')
      forget()
      shut('closed')
      lineNumber++
      line?.close(1000)
      line = undefined
    },
  }
}

type Timer = ReturnType<typeof setTimeout> | undefined

/** Routers take what is empty for a body that is missing. */
function checked(body: unknown): void {
  if (!body) throw new TypeError('a message needs a body: {} is the least')
}

/** What a router says, or a handler that failed, here and in older systems. */
function failure(body: Frame): CallError {
  const { error, fault = error === true ? 'broken' : 'refused', reason, result } = body
  const said = [error, reason, result].find((one) => typeof one === 'string')
  return new CallError(fault, said ?? 'the handler failed', false, body)
}

/** Some words of the original say no sender. */
const isRouter = (from: string): boolean => from === '' || from.includes('@hydra-router:')

async function renewHere(): Promise<boolean> {
  const { ok } = await fetch('/_hydra/session', { method: 'POST' })
  return ok
}

function listen<Listener>(all: Map<string, Set<Listener>>, name: string, listener: Listener): () => void {
  const those = all.get(name) ?? new Set()
  all.set(name, those.add(listener))
  return () => void those.delete(listener)
}

/** Not `randomUUID`: pages without TLS have none. */
function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}
