/**
 * The client of a service: keeps it registered for as long as it runs, and knows what the gateway says.
 *
 * It waits until the app listens; then `line.ts` keeps a line to one of the gateways, and this file says what a line
 * means. A gateway that is away, restarts or refuses is an event, never an exception for the app.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import type { KnownOverview, Overview } from '@hydra-gateway/protocol'
import { hostTowards, isThisMachine } from './address.ts'
import { announce } from './announce.ts'
import type { Connection, openConnection } from './connection.ts'
import { ConnectionError, explainKeys } from './connection-error.ts'
import { createEvents } from './events.ts'
import { type Selection, selectRoutes } from './exported.ts'
import type { Found } from './found.ts'
import { usesOf } from './fragments/declared.ts'
import { keepDoor } from './fragments/public-door.ts'
import { createFragmentSide } from './fragments/side.ts'
import { createGateways } from './gateways.ts'
import { keepIdentity } from './identity/guard.ts'
import { createIdentitySide } from './identity/side.ts'
import { findKeys, gatewaysOf } from './keys.ts'
import { unknownOptions } from './known-options.ts'
import { createLineKeeper, type LineKeeper, type Move, type OpenLine } from './line.ts'
import { logOf } from './log.ts'
import { createMenuSide } from './menus/side.ts'
import { createMessageSide, isOfMessages } from './messages/side.ts'
import type { ConnectionState, Drained, HydraService, ServiceEvents, ServiceOptions } from './options.ts'
import { errorOf, prepare } from './prepare.ts'
import { checkOptions, checkRegistration, compileRegistration, type OwnRegistration } from './registration.ts'
import type { Listening, RequestDoor } from './server.ts'
import { createSiteEvents } from './site-events.ts'
import { deferred, kept, nothing, within } from './waiting.ts'

/** The app a client speaks for. */
export interface Application {
  /** Resolves once it listens; never, when it never does. */
  readonly listening: Promise<Listening>
  /** What it waits for until then, for people: ends the sentence "orders waits for …". */
  readonly awaited: string
  readonly protocol: 'http' | 'https'
  /** Its routes as they are now. */
  routes(): Found
  /** What to do where there are none, for people; absent where `routes` says so itself. */
  readonly adviceOnRoutes?: string
  /** Shows every request to `door` before the app sees it; absent where nobody knows the server. */
  serveFirst?(door: RequestDoor): void
  /** Requests it is busy with; absent where nobody knows the server. */
  busy?(): number
  /** Answers what was begun, then closes what belongs to it. */
  finish(graceMs: number): Promise<void>
}

export interface ClientDeps {
  readonly options: ServiceOptions
  readonly application: Application
  readonly open: typeof openConnection
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** From 0 to 1, for the jitter. */
  readonly random: () => number
}

/** Failures that are remembered as said. */
const MOST_SAID = 100
/** For the gateway to confirm that no further request will come. */
const CONFIRM_MS = 2000

/** Makes the client and starts it. `attempted` resolves when its first attempt ended, well or not. */
export function createClient(deps: ClientDeps): { service: HydraService; attempted: Promise<void> } {
  const { options, application, open: openLine, env, cwd, random } = deps
  checkOptions(options)
  const gateways = createGateways({
    urls: gatewaysOf(options.gateway, env),
    random,
    resolve: (name) => lookup(name, { all: true }),
  })
  const instanceId = randomBytes(16).toString('hex')
  const activeSince = Date.now()
  const log = logOf(options.log)
  const events = createEvents<ServiceEvents>(
    (fault) => log.error(`a listener failed: ${errorOf(fault).message}`),
    (name, isWanted) => name === 'event' && siteEvents.wanted(isWanted),
  )
  const siteEvents = createSiteEvents({ log, onEvent: (event) => events.emit('event', event) })
  const ready = deferred()
  const attempted = deferred()

  let state: ConnectionState = 'waiting'
  let line: OpenLine | undefined
  let overview: Overview | undefined
  let known: KnownOverview | undefined
  let wasConnected = false
  let closing: Promise<void> | undefined
  /** Why this instance takes no new visitors, while it does not. */
  let draining: { readonly reason: string | undefined } | undefined
  let keeper: LineKeeper | undefined
  const said = new Set<string>()
  /** By the gateway, about what is registered: said once, however often it is registered again. */
  const warned = new Set<string>()
  let announced = ''

  const identity = createIdentitySide({ options, log, env, now: Date.now })
  const menuSide = createMenuSide({ identity, options, log, now: Date.now })
  const fragmentSide = createFragmentSide({
    options,
    log,
    ask: () => line?.connection.fragments,
    overview: () => overview,
    onConflict: (conflict) => events.emit('conflict', conflict),
    identity,
    site: menuSide.pages,
  })
  /** What this instance registers with handlers as they are now; absent before it was registered once. */
  let compile: (() => { registration: OwnRegistration; state: number }) | undefined
  let isDeclaring = false
  /** What the gateway was told last of handlers. */
  let registered = -1
  const messageSide = createMessageSide({
    options,
    log,
    line: () => line?.connection,
    identity,
    onDeclared: () => declareSoon(),
  })
  checkRegistration(options)
  if (fragmentSide.door) application.serveFirst?.(fragmentSide.door)
  for (const sentence of unknownOptions(options)) log.warn(sentence)

  /** One attempt at the current gateway, up to its word that it has taken this instance. */
  async function open(statics: readonly string[], listening: Listening): Promise<OpenLine> {
    const gateway = gateways.current()
    const keys = await findKeys({ ...options, env, cwd })
    if ('missing' in keys) throw new Error(keys.missing)
    fragmentSide.useKeys(keys.publicKeys)
    menuSide.useKey(keys.privateKey)
    const host = options.host ?? (await hostTowards(gateways.all, listening.address))
    const selection = selectRoutes(application.routes(), options)
    present(selection, statics.length, listening, host)
    const facts = {
      instanceId,
      activeSince,
      host,
      port: listening.port,
      protocol: options.protocol ?? application.protocol,
      exported: selection.exported,
      statics,
    }
    compile = () => {
      const { messages, state } = messageSide.declared()
      return { registration: compileRegistration(options, { ...facts, messages }), state }
    }
    const { registration, state: declared } = compile()
    const lost = deferred<string>()
    const sentOn = deferred<Move>()
    const { timeoutMs = 5000 } = options
    const { maxDataBytes } = fragmentSide
    const { publicKey, privateKey, from } = keys
    // What a new line says counts once it is in use; until then the one before it is right.
    let latest: KnownOverview | undefined
    let opened: Connection | undefined
    const connection = await openLine({
      gateway,
      lookup: gateways.lookup,
      publicKey,
      privateKey,
      registration,
      known,
      onOverview(_overview, next) {
        latest = next
        if (opened && line?.connection === opened) learn(next)
      },
      onLost: lost.resolve,
      onMove: (withinMs) => new Promise((answer) => sentOn.resolve({ withinMs, answer })),
      serve(opened) {
        const { requests, streams } = fragmentSide.serve(opened)
        return { requests: { ...requests, ...messageSide.serve(declared) }, ...(streams && { streams }) }
      },
      maxStreams: fragmentSide.maxStreams + messageSide.maxStreams,
      maxDataBytes,
      larger: messageSide.larger,
      timeoutMs,
    }).catch((fault) => {
      throw explainKeys(fault, from)
    })
    opened = connection
    try {
      // Another node may not know of it, and an older one can't be told.
      if (draining) await connection.drain(draining.reason).catch(nothing)
      const answer = connection.answer ?? (await connection.register(registration))
      registered = declared
      messageSide.told(declared, answer.refused ?? [])
      return {
        gateway,
        connection,
        lost: lost.promise,
        sentOn: sentOn.promise,
        answer,
        overview: () => latest,
      }
    } catch (fault) {
      connection.close()
      throw fault
    }
  }

  /** A line is open; `before` is the one it takes the place of. */
  function up(next: OpenLine, before: OpenLine | undefined): void {
    const { gateway, connection, answer } = next
    // `close` did not wait any longer.
    if (state === 'closed') {
      connection.close()
      return
    }
    line = next
    if (before) siteEvents.disconnected()
    // What is known and was not sent again still holds, as of now.
    const seen = next.overview() ?? known
    if (seen) learn(seen)
    identity.connected(connection)
    siteEvents.connected(connection)
    messageSide.lineChanged()
    declareSoon()
    if (closing) return
    state = 'connected'
    wasConnected = true
    said.clear()
    // A gateway that is replaced on its machine has the address of the one that comes.
    const isSame = before?.gateway === gateway
    const why = before
      ? isSame
        ? ' again; the process that had its line stops'
        : `, as ${before.gateway} stops`
      : ''
    log.info(`${options.name} is behind ${gateway}${why}`)
    events.emit('connected', { gateway })
    const { refused = [], warnings = [] } = answer
    for (const warning of warnings) {
      if (!warned.has(warning)) log.warn(warning)
      warned.add(warning)
    }
    identity.registered(answer)
    fragmentSide.refused(refused.filter((one) => !isOfMessages(one)))
    events.emit('registered', { instanceId, refused })
    if (refused.length > 0) events.emit('refused', refused)
    ready.resolve()
  }

  /** Tells the gateway of handlers it does not know yet; those of one tick together. */
  function declareSoon(): void {
    if (isDeclaring || !line || closing) return
    isDeclaring = true
    setImmediate(async () => {
      const isTold = await declare()
      isDeclaring = false
      if (isTold && messageSide.hasNews(registered)) declareSoon()
    })
  }

  /** False where it could not be told. */
  async function declare(): Promise<boolean> {
    while (line && compile && messageSide.hasNews(registered)) {
      const { connection } = line
      try {
        const { registration, state: declared } = compile()
        const answer = await connection.register(registration)
        registered = declared
        messageSide.told(declared, answer.refused ?? [])
      } catch (fault) {
        // Another line is told anyway.
        const isLost = fault instanceof ConnectionError && fault.kind === 'lost'
        if (!isLost && !closing) log.warn(`handlers of messages are not known yet: ${errorOf(fault).message}`)
        return false
      }
    }
    return true
  }

  function down({ gateway }: OpenLine, reason: string): void {
    line = undefined
    disconnected()
    state = 'connecting'
    const others = gateways.all.length > 1 ? `trying ${gateways.described()}` : 'trying again'
    log.warn(`the line to ${gateway} is lost (${reason}); ${others} until there is one`)
    events.emit('disconnected', { reason })
  }

  /** The same failure again each second is said once. */
  function failed(fault: unknown): void {
    attempted.resolve()
    disconnected()
    if (closing) return
    state = 'connecting'
    const error = errorOf(fault)
    if (!said.has(error.message))
      log.warn(`${options.name} is not behind ${gateways.current()} yet: ${error.message}`)
    if (said.size >= MOST_SAID) said.clear()
    said.add(error.message)
    events.emit('error', error)
  }

  function learn(seen: KnownOverview): void {
    known = seen
    const next = seen.overview
    overview = next
    identity.learn(next)
    menuSide.learn(next)
    events.emit('overview', next)
    fragmentSide.learn(next)
  }

  function disconnected(): void {
    identity.disconnected()
    menuSide.disconnected()
    siteEvents.disconnected()
  }

  /** Says what is offered, at start and when it changed. */
  function present(selection: Selection, statics: number, { port, address }: Listening, host: string): void {
    const { name, sockets = [], fragments = [], menu } = options
    const uses = usesOf(name, options.pages).filter(({ service }) => service !== name)
    const text = announce({ name, port, selection, access: options, sockets, statics, fragments, uses, menu })
    if (text === announced) return
    announced = text
    log.info(text)
    for (const warning of selection.warnings) log.warn(warning)
    const messages = Object.keys(options.messages ?? {})
    const offers = [selection.exported, sockets, fragments, messages]
    if (statics + offers.reduce((sum, { length }) => sum + length, 0) === 0) {
      if (selection.leftOut.length > 0) log.warn('name the routes visitors may see in the option include')
      else if (application.adviceOnRoutes) log.warn(application.adviceOnRoutes)
    }
    const elsewhere = gateways.all.find(
      (url) => !isThisMachine(new URL(url).hostname.replace(/^\[|\]$/g, '')),
    )
    if (isThisMachine(host) && elsewhere !== undefined) {
      log.warn(
        `${address ?? host} can be reached on this machine only, but the gateway is ${elsewhere}; listen on every address`,
      )
    }
  }

  async function stay(): Promise<void> {
    const { listening, statics } = await prepare(application, options, (sentence) => {
      if (!closing) log.warn(sentence)
    })
    if (closing) return
    state = 'connecting'
    keeper = createLineKeeper({
      gateways,
      open: () => open(statics, listening),
      onUp(next, before) {
        up(next, before)
        attempted.resolve()
      },
      onLost: down,
      onFailed: failed,
      random,
    })
    await keeper.keep()
  }

  function fail(fault: unknown): Error {
    const error = errorOf(fault)
    log.error(error.message)
    events.emit('error', error)
    return error
  }

  /** Out of rotation, by the gateway's word. False when it gave none. */
  async function leaveRotation(forget: boolean): Promise<boolean> {
    if (!line) return false
    const { connection } = line
    if (draining) return true
    draining = { reason: 'it is closing' }
    // Where this end says nothing more of it, the gateway goes on knowing what runs; an older one takes a goodbye only.
    return (
      (await kept(CONFIRM_MS, connection.drain(draining.reason))) ||
      (await kept(CONFIRM_MS, connection.deregister({ forget })))
    )
  }

  /** Says something of this instance, as soon as there is somebody to hear it. */
  async function sayToGateway(say: (connection: Connection) => Promise<boolean>): Promise<void> {
    for (;;) {
      await service.connected()
      if (!line) continue
      try {
        if (await say(line.connection)) return
        throw new Error(`${line.gateway} does not know this instance`)
      } catch (fault) {
        if (!(fault instanceof ConnectionError && fault.kind === 'lost')) throw fault
      }
    }
  }

  async function leave(forget: boolean): Promise<void> {
    state = 'closing'
    events.emit('closing', undefined)
    keeper?.stop()
    if (keeper) await within(CONFIRM_MS, keeper.attempting())
    const isOut = await leaveRotation(forget)
    if (line && !isOut) log.warn(`${line.gateway} did not confirm that ${options.name} left`)
    // Fragments first: what they are rendered from may end with the app.
    const { graceMs = 10_000 } = options
    const begun = performance.now()
    await Promise.all([fragmentSide.finish(graceMs), messageSide.finish(graceMs)])
    // An app that fails at its own end has left all the same.
    const left = Math.max(0, graceMs - (performance.now() - begun))
    const failure = await application.finish(left).then(nothing, fail)
    fragmentSide.close()
    messageSide.close()
    if (line && isOut) await within(CONFIRM_MS, line.connection.deregister({ forget }))
    const last = line?.gateway ?? gateways.current()
    line?.connection.close()
    line = undefined
    menuSide.disconnected()
    state = 'closed'
    const closed = new Error(`${options.name} was closed before it was registered`)
    ready.reject(closed)
    attempted.resolve()
    if (wasConnected) log.info(`${options.name} has left ${last}`)
    events.emit('closed', undefined)
    if (failure) throw failure
  }

  const service: HydraService = {
    name: options.name,
    instanceId,
    get gateway() {
      return line?.gateway ?? gateways.current()
    },
    ready: ready.promise,
    on: events.on,
    off: events.off,
    get state() {
      return state
    },
    get overview() {
      return overview
    },
    get menus() {
      return overview?.menus ?? {}
    },
    menu: menuSide.menu,
    link: menuSide.link,
    siteFor: menuSide.siteFor,
    get isStale() {
      return menuSide.staleSince !== undefined
    },
    get staleSince() {
      return menuSide.staleSince
    },
    isAvailable: menuSide.isAvailable,
    onMessage: messageSide.onMessage,
    send: messageSide.send,
    call: messageSide.call,
    push: messageSide.push,
    find: messageSide.find,
    verify: async (request) => (await identity.examine(request)).verified,
    connected() {
      if (state === 'connected') return Promise.resolve()
      const back = deferred()
      const ends = [
        events.on('registered', () => back.resolve()),
        events.on('closing', () => back.reject(new Error(`${options.name} was closed`))),
      ]
      if (closing) back.reject(new Error(`${options.name} was closed`))
      const end = () => {
        for (const off of ends) off()
      }
      back.promise.then(end, end)
      return back.promise
    },
    async drain({ reason } = {}): Promise<Drained> {
      draining = { reason }
      await sayToGateway((connection) => connection.drain(reason))
      return { running: application.busy?.() }
    },
    async resume() {
      draining = undefined
      await sayToGateway((connection) => connection.resume())
    },
    close({ forget = false } = {}) {
      closing ??= leave(forget)
      // A signal or a closed server does not wait for the outcome.
      closing.catch(nothing)
      return closing
    },
  }

  keepDoor(service, fragmentSide.door)
  keepIdentity(service, identity)
  stay().catch((fault) => {
    // Nothing that time would heal: a port no gateway can reach, a folder that isn't there, a failed `when`.
    if (!closing) ready.reject(fail(fault))
    attempted.resolve()
  })
  if (options.signal?.aborted) void service.close()
  else options.signal?.addEventListener('abort', () => void service.close(), { once: true })
  return { service, attempted: attempted.promise }
}
