/**
 * WebSockets: the handshake is copied, then both sockets are spliced. Nothing is held back, nothing is idle for
 * too long, and no change of the routing table ends them: pages reload when their socket closes.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Route } from '../routing/route.ts'
import type { Instance } from '../routing/upstream.ts'
import { blame } from './blame.ts'
import type { Waiting } from './deadlines.ts'
import type { ForwardFailure } from './exchange.ts'
import { connectFailure, streamFailure } from './failure.ts'
import type { Engine } from './forward.ts'
import { headerLines } from './header-lines.ts'
import { answerHeaders, requestHeaders } from './headers.ts'
import type { NodeExchange } from './node-exchange.ts'
import type { Pool } from './pool.ts'

/** Finds dead peers of connections that may be silent for hours. */
const TCP_KEEPALIVE_MS = 30_000

/**
 * Sends a handshake to an instance and splices the connections when it agrees; its refusal is passed on as the
 * answer. `resolve` is called as `Forward` says. A socket counts as in flight until it closes.
 */
export function forwardUpgrade(
  engine: Engine,
  exchange: NodeExchange,
  route: Route,
  instance: Instance,
  pool: Pool,
  resolve: (failure: ForwardFailure | undefined) => void,
): void {
  const { settings, deadlines } = engine
  const vitals = engine.vitals.of(instance.id)
  const request = pool.requestAlone({
    method: 'GET',
    path: (route.to ?? exchange.path) + exchange.query,
    headers: requestHeaders(exchange, instance),
  })
  let isConnected = false
  let isDone = false
  const waiting: Waiting = {
    deadline: deadlines.after(settings.connectTimeoutMs),
    before: undefined,
    behind: undefined,
    expire: () =>
      fail({
        code: 'HYDRA_UPSTREAM_TIMEOUT',
        reason: isConnected ? 'head-timeout' : 'connect-timeout',
        refused: !isConnected,
        nothingSent: !isConnected,
      }),
  }
  vitals.inFlight++
  vitals.requests++
  deadlines.add(waiting)

  const leave = (): boolean => {
    if (isDone) return false
    isDone = true
    deadlines.delete(waiting)
    return true
  }
  const fail = (failure: Omit<ForwardFailure, 'bodyConsumed'>) => {
    if (!leave()) return
    vitals.inFlight--
    blame(engine, exchange, instance, vitals, failure)
    request.destroy()
    resolve({ ...failure, bodyConsumed: false })
  }
  const onError = (cause: unknown) => fail(isConnected ? streamFailure(cause, false) : connectFailure(cause))

  // The visitor may leave before the service has said anything.
  exchange.onEnd(() => {
    if (!leave()) return
    vitals.inFlight--
    request.destroy()
    resolve(undefined)
  })
  request.on('error', onError)
  request.once('close', () => onError(new Error('the connection closed')))
  request.once('socket', (socket: Socket) => {
    socket.once(pool.address.protocol === 'https' ? 'secureConnect' : 'connect', () => {
      isConnected = true
      engine.vitals.revive(instance.id)
      waiting.deadline = deadlines.after(route.timeoutMs ?? settings.headTimeoutMs)
    })
  })
  request.once('upgrade', (answer: IncomingMessage, upstream: Socket, head: Buffer) => {
    upstream.on('error', ignore)
    const lines = headerLines(answer.rawHeaders)
    if (lines.get('upgrade')?.toLowerCase() !== 'websocket') {
      upstream.destroy()
      onError(new Error('the service switched to another protocol'))
      return
    }
    if (!leave()) {
      upstream.destroy()
      return
    }
    engine.onHead(exchange, 101, lines)
    const text = exchange.switchHead('Switching Protocols', answerHeaders(lines, 101, instance.channel, true))
    const visitor = exchange.takeOver()
    visitor.socket.write(Buffer.concat([Buffer.from(text, 'latin1'), head]))
    if (visitor.head.length > 0) upstream.write(visitor.head)
    upstream.setNoDelay(true)
    upstream.setKeepAlive(true, TCP_KEEPALIVE_MS)
    ;(visitor.socket as Socket).setKeepAlive(true, TCP_KEEPALIVE_MS)
    splice(visitor.socket, upstream, () => vitals.inFlight--)
    resolve(undefined)
  })
  request.once('response', (answer: IncomingMessage) => {
    answer.on('error', ignore)
    if (answer.statusCode === 101) {
      onError(new Error('the service switched without saying to what'))
      return
    }
    if (!leave()) return
    const lines = headerLines(answer.rawHeaders)
    try {
      engine.onHead(exchange, answer.statusCode!, lines)
      exchange.sendHead(
        answer.statusCode!,
        answer.statusMessage || undefined,
        answerHeaders(lines, answer.statusCode!, instance.channel),
      )
    } catch (cause) {
      isDone = false
      fail(streamFailure(cause, false))
      return
    }
    answer.pipe(exchange.outgoing)
    // The answer is an ordinary one from here on, with the patience ordinary ones get.
    const idle: Waiting = {
      deadline: deadlines.after(settings.idleTimeoutMs),
      expire: () => request.destroy(),
      before: undefined,
      behind: undefined,
    }
    answer.on('data', () => {
      idle.deadline = deadlines.after(settings.idleTimeoutMs)
    })
    deadlines.add(idle)
    exchange.onEnd(() => request.destroy())
    answer.once('close', () => {
      deadlines.delete(idle)
      vitals.inFlight--
      if (!answer.complete) exchange.abort()
    })
    resolve(undefined)
  })
  request.end()
}

/** Joins two sockets until both are closed. An end is passed on as an end, a break as a break. */
function splice(a: Duplex, b: Duplex, onClose: () => void): void {
  let open = 2
  const join = (from: Duplex, to: Duplex) => {
    from.on('error', ignore)
    from.pipe(to)
    from.once('close', () => {
      if (!from.readableEnded) to.destroy()
      if (--open === 0) onClose()
    })
  }
  join(a, b)
  join(b, a)
}

function ignore(): void {}
