/**
 * The client of a service: keeps it registered for as long as it runs, and knows what the gateway says.
 *
 * One loop does all of it: wait until the app listens, connect, stay until the line is lost, try again. A
 * gateway that is away, restarts or refuses is an event, never an exception for the app.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import type { Overview } from '@hydra-gateway/protocol'
import { hostTowards, isThisMachine } from './address.ts'
import { announce } from './announce.ts'
import type { Connection, openConnection } from './connection.ts'
import { explainKeys } from './connection-error.ts'
import { createEvents } from './events.ts'
import { type Selection, selectRoutes } from './exported.ts'
import type { Found } from './found.ts'
import { usesOf } from './fragments/declared.ts'
import { keepDoor } from './fragments/public-door.ts'
import { createFragmentSide } from './fragments/side.ts'
import { keepIdentity } from './identity/guard.ts'
import { createIdentitySide } from './identity/side.ts'
import { findKeys, gatewayOf } from './keys.ts'
import { unknownOptions } from './known-options.ts'
import { logOf } from './log.ts'
import { createMenuSide } from './menus/side.ts'
import type { ConnectionState, HydraService, ServiceEvents, ServiceOptions } from './options.ts'
import { errorOf, prepare } from './prepare.ts'
import { checkOptions, checkRegistration, compileRegistration } from './registration.ts'
import type { Listening, RequestDoor } from './server.ts'
import { createSiteEvents } from './site-events.ts'
import { deferred, nothing, within } from './waiting.ts'

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

/** Between two attempts (`medusa.md` section 5, 12): services of a site shall not come back in one instant. */
const RETRY_MS = 1000
const JITTER_MS = 250
/** For the gateway to confirm that no further request will come. */
const CONFIRM_MS = 2000

/** Makes the client and starts it. `attempted` resolves when its first attempt ended, well or not. */
export function createClient(deps: ClientDeps): { service: HydraService; attempted: Promise<void> } {
  const { options, application, open, env, cwd, random } = deps
  checkOptions(options)
  const gateway = gatewayOf(options.gateway, env)
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
  let connection: Connection | undefined
  let overview: Overview | undefined
  let wasConnected = false
  let closing: Promise<void> | undefined
  let attempting: Promise<void> | undefined
  let wake = () => {}
  let said = ''
  /** By the gateway, about what is registered: said once, however often it is registered again. */
  const warned = new Set<string>()
  let announced = ''

  const identity = createIdentitySide({ options, log, env, now: Date.now })
  const menuSide = createMenuSide({ identity, options, log, now: Date.now })
  const fragmentSide = createFragmentSide({
    options,
    log,
    ask: () => connection?.fragments,
    overview: () => overview,
    onConflict: (conflict) => events.emit('conflict', conflict),
    identity,
    site: menuSide.pages,
  })
  checkRegistration(options)
  if (fragmentSide.door) application.serveFirst?.(fragmentSide.door)
  for (const sentence of unknownOptions(options)) log.warn(sentence)

  /** One attempt, up to the gateway's word that it has taken this instance. `lost` resolves when the line is. */
  async function attempt(
    statics: readonly string[],
    listening: Listening,
  ): Promise<{ lost: Promise<string> }> {
    const keys = await findKeys({ ...options, env, cwd })
    if ('missing' in keys) throw new Error(keys.missing)
    fragmentSide.useKeys(keys.publicKeys)
    menuSide.useKey(keys.privateKey)
    const host = options.host ?? (await hostTowards(gateway, listening.address))
    const selection = selectRoutes(application.routes(), options)
    present(selection, statics.length, listening, host)
    const registration = compileRegistration(options, {
      instanceId,
      activeSince,
      host,
      port: listening.port,
      protocol: options.protocol ?? application.protocol,
      exported: selection.exported,
      statics,
    })
    const lost = deferred<string>()
    const { timeoutMs = 5000 } = options
    const { serve, maxStreams, maxDataBytes } = fragmentSide
    const { publicKey, privateKey, from } = keys
    const opened = await open({
      gateway,
      publicKey,
      privateKey,
      registration,
      onOverview: learn,
      onLost: lost.resolve,
      serve,
      maxStreams,
      maxDataBytes,
      timeoutMs,
    }).catch((fault) => {
      throw explainKeys(fault, from)
    })
    // `close` came while the gateway was answering. It waits for this attempt and leaves properly, or is done.
    if (state === 'closed') opened.close()
    else connection = opened
    identity.connected(opened)
    siteEvents.connected(opened)
    if (closing) return { lost: lost.promise }
    state = 'connected'
    wasConnected = true
    said = ''
    log.info(`${options.name} is behind ${gateway}`)
    events.emit('connected', { gateway })
    const answer = await opened.register(registration)
    const { refused = [], warnings = [] } = answer
    for (const warning of warnings) {
      if (!warned.has(warning)) log.warn(warning)
      warned.add(warning)
    }
    identity.registered(answer)
    fragmentSide.refused(refused)
    events.emit('registered', { instanceId, refused })
    if (refused.length > 0) events.emit('refused', refused)
    ready.resolve()
    return { lost: lost.promise }
  }

  function learn(next: Overview): void {
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
    if (selection.exported.length + statics + sockets.length + fragments.length === 0) {
      if (selection.leftOut.length > 0) log.warn('name the routes visitors may see in the option include')
      else if (application.adviceOnRoutes) log.warn(application.adviceOnRoutes)
    }
    if (isThisMachine(host) && !isThisMachine(new URL(gateway).hostname.replace(/^\[|\]$/g, ''))) {
      log.warn(
        `${address ?? host} can be reached on this machine only, but the gateway is ${gateway}; listen on every address`,
      )
    }
  }

  async function stay(): Promise<void> {
    const { listening, statics } = await prepare(application, options, (sentence) => {
      if (!closing) log.warn(sentence)
    })
    if (closing) return
    state = 'connecting'
    while (!closing) {
      let pauseMs = RETRY_MS
      try {
        const trying = attempt(statics, listening)
        attempting = trying.then(nothing, nothing)
        const { lost } = await trying
        attempted.resolve()
        const reason = await lost
        connection = undefined
        disconnected()
        if (closing) return
        state = 'connecting'
        log.warn(`the line to ${gateway} is lost (${reason}); trying again until it is back`)
        events.emit('disconnected', { reason })
        // A gateway that was restarted is back soon: only the jitter before the first try.
        pauseMs = 0
      } catch (fault) {
        connection?.close()
        connection = undefined
        disconnected()
        if (!closing) {
          state = 'connecting'
          report(fault)
        }
        attempted.resolve()
      }
      await pause(pauseMs + random() * JITTER_MS)
    }
  }

  /** The same failure again each second is said once. */
  function report(fault: unknown): void {
    const error = errorOf(fault)
    if (error.message !== said) log.warn(`${options.name} is not behind ${gateway} yet: ${error.message}`)
    said = error.message
    events.emit('error', error)
  }

  function fail(fault: unknown): Error {
    const error = errorOf(fault)
    log.error(error.message)
    events.emit('error', error)
    return error
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async function leave(forget: boolean): Promise<void> {
    state = 'closing'
    events.emit('closing', undefined)
    wake()
    if (attempting) await within(CONFIRM_MS, attempting)
    if (connection) {
      const confirmed = await within(CONFIRM_MS, connection.deregister({ forget }))
      if (!confirmed) log.warn(`${gateway} did not confirm that ${options.name} left`)
    }
    // Fragments first: what they are rendered from may end with the app.
    const { graceMs = 10_000 } = options
    const begun = performance.now()
    await fragmentSide.finish(graceMs)
    // An app that fails at its own end has left all the same.
    const left = Math.max(0, graceMs - (performance.now() - begun))
    const failed = await application.finish(left).then(nothing, fail)
    fragmentSide.close()
    connection?.close()
    connection = undefined
    menuSide.disconnected()
    state = 'closed'
    const closed = new Error(`${options.name} was closed before it was registered`)
    ready.reject(closed)
    attempted.resolve()
    if (wasConnected) log.info(`${options.name} has left ${gateway}`)
    events.emit('closed', undefined)
    if (failed) throw failed
  }

  const service: HydraService = {
    name: options.name,
    instanceId,
    gateway,
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
