/**
 * The router API: everything below `/v1/router/`, with the shapes of hydra-router (`flywheel.md` 4), for all services of
 * the gateway. What it leaves out: sockets, which call it through `overSocket`.
 *
 * @module
 */
import { ROUTER_PREFIX } from '@hydra-gateway/protocol'
import { ROUTER_SERVICE, UmfError, type UmfMessage } from '@hydra-gateway/protocol/umf'
import type { FlywheelNetwork } from '../channels/flywheel/port.ts'
import type { RouterSelf } from '../channels/flywheel/self.ts'
import { type ErrorCode, HydraError } from '../errors.ts'
import type { RouteGuard } from '../identity/port.ts'
import { isSameOrigin } from '../identity/same-origin.ts'
import { MessageProblem, type Messenger, type Peers, type Permit, type Sender } from '../messaging/port.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Exchange, ExchangeHandler } from '../proxy/exchange.ts'
import { corsHeaders, preflightHeaders } from '../proxy/flywheel-cors.ts'
import type { Registry } from '../registry/registry.ts'
import type { Live } from '../routing/live.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import { mayUse, tokenOf } from './access.ts'
import { createEntryLog, requestEntry } from './entry-log.ts'
import { CODE_OF, envelope, refusal } from './envelope.ts'
import { createKeptBodies } from './kept-bodies.ts'
import { createLists } from './lists.ts'
import { readMessage } from './message-body.ts'
import { createNewNames } from './new-names.ts'
import { routerPage } from './page.ts'
import { createPosts, type Posts } from './posts.ts'
import { createRefreshes } from './refreshes.ts'
import type { SecondCounts } from './second-counts.ts'
import { type RouterApiSettings, routerApiDefaults } from './settings.ts'
import { withShortenedIds } from './shown-ids.ts'

export interface RouterApiDeps {
  readonly settings: RouterApiSettings
  readonly self: RouterSelf
  readonly siteTitle: string
  /** Services in Redis; undefined without one. */
  readonly network?: FlywheelNetwork | undefined
  readonly messenger: Messenger
  readonly peers: Pick<Peers, 'directory'>
  /** Who may send what to whom, for queues. @default everybody everything */
  readonly permit?: Permit | undefined
  /** Finds out who sends a message. @default nobody is anybody */
  readonly identify?: RouteGuard['identify'] | undefined
  readonly registry: Pick<Registry, 'entries' | 'silentForMs'>
  readonly live: Live
  readonly vitals: Pick<VitalsBook, 'of'>
  /** External routes, by the address of each. @default none */
  readonly externalRoutes?: (() => Readonly<Record<string, readonly string[]>>) | undefined
  /** What `stats` tells. */
  readonly counts: SecondCounts
  /** Answers for the page when it may not be seen: as if there were none. */
  readonly notFound: ExchangeHandler
  /** Id for a message that has none. */
  readonly newId: () => string
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Pick<Metrics, 'refused'>
}

export interface RouterApi {
  /** Serves what lies below `/v1/router/`. `control` false leaves all to the control port but the POST endpoints. */
  open(options: { readonly control: boolean }): ExchangeHandler
  /** Serves the router page at `/`, while no service offers it. */
  readonly page: ExchangeHandler
  /**
   * Answers a message to `hydra-router:[get]/v1/router/…` (`flywheel.md` 5.4): what is to stand in the body of the answer. `path`
   * is that of the address. Guarded as over HTTP; the token may stand in the address (`?token=`) or the body (`token`).
   * Resolves with JSON.
   */
  overSocket(path: string, message: Pick<UmfMessage, 'body'>): Promise<string>
  /** Something for `/v1/router/log`: of clients (`log`), of requests another process served, or what went wrong; `at`: epoch ms. @default now */
  note(type: string, entry: unknown, at?: number): void
  /** A request under these rules begins: it is noted while `debugLogging` is on. */
  noteRequest(exchange: Exchange): void
}

/** These take a message, and are public whatever port operators have. */
const POSTS: ReadonlySet<string> = new Set(['message', 'send', 'queue', 'stream'])

/** What an endpoint says: `result` of its envelope, `text` when it is JSON already, `more` at its top. */
interface Said {
  readonly result?: object | null
  readonly text?: string
  readonly more?: object
}

export function createRouterApi(deps: RouterApiDeps): RouterApi {
  const { settings, self, network, messenger, peers, permit, identify, registry, live, vitals } = deps
  const { counts, notFound, newId, clock, log, metrics, siteTitle } = deps
  const lists = createLists({
    self,
    network,
    peers,
    registry,
    live,
    vitals,
    externalRoutes: deps.externalRoutes,
    listForMs: () => settings.listForMs ?? routerApiDefaults.listForMs,
    clock,
  })
  const entries = createEntryLog({ clock })
  const bodies = createKeptBodies<Uint8Array>()
  const texts = createKeptBodies<string>()
  const refresh = createRefreshes(network, () => settings.maxRefreshes ?? routerApiDefaults.maxRefreshes)
  const newQueues = createNewNames(() => settings.maxUnknownQueues)
  const newStreams = createNewNames(() => settings.maxStreams)
  /** What messages to this router may ask for is what whoever sends them there may ask for: `mayAsk`. */
  const postsFor = (mayAsk: () => boolean): Posts =>
    createPosts({
      isService: (name) => live.table.service(name) !== undefined || network?.routes().has(name) === true,
      newQueues,
      newStreams,
      settings,
      network,
      messenger,
      permit,
      clock,
      ownCall: async (path) => {
        const said = mayAsk() ? await say(segmentsOf(path)) : undefined
        if (!said) throw new UmfError(notRoutable(path))
        return jsonOf(said)
      },
    })
  /** What operators have a port of their own for is told elsewhere to those who know the token. */
  const mayAskElsewhere = (): boolean => !settings.hasControlPort || settings.routerToken !== ''

  /** What the endpoint of these segments says; undefined when there is none. `clear` and the POST endpoints are elsewhere. */
  async function say([first, second, ...more]: readonly string[]): Promise<Said | undefined> {
    if (more.length > 0) return undefined
    if (first === 'list') return list(second)
    if (first === 'refresh') {
      await refresh(second || undefined)
      lists.changed()
      return { result: {} }
    }
    if (second !== undefined) return undefined
    switch (first) {
      case 'version':
        return { result: { version: self.version } }
      case 'health':
        return { result: lists.ownHealth() }
      case 'nodes':
        return list('nodes')
      case 'log':
        return newestEntries()
      case 'stats':
        return { text: await counts.text() }
      default:
        return undefined
    }
  }

  async function clear(): Promise<void> {
    await reachable(network)?.clear()
    lists.changed()
  }

  /** What is said as JSON, the same for all who are told the same. */
  function jsonOf({ result, text }: Said): string {
    return text ?? (result ? texts.of(result, () => JSON.stringify(result)) : '{}')
  }

  function newestEntries(): Said {
    const logs = entries.list()
    if (settings.routerToken !== '') return { result: { logs } }
    return { text: texts.of(logs, () => withShortenedIds(JSON.stringify({ logs }))) }
  }

  async function list(thing: string | undefined): Promise<Said | undefined> {
    switch (thing) {
      case 'routes':
        return { result: lists.routes() }
      case 'services':
        return { result: await lists.services() }
      case 'nodes': {
        const { routerId: instanceID, hostName: hostname, version } = self
        return { more: { instanceID, hostname, version }, result: await lists.nodes() }
      }
      case 'wsdir':
        // An id is all it takes to get a classic client's mail: those who need no token are not told it.
        return { result: lists.wsdir(settings.routerToken === '' ? 'shortened' : 'whole') }
      default:
        return undefined
    }
  }

  function headers(): Record<string, string> {
    return {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...corsHeaders(settings.cors),
    }
  }

  function refuse(exchange: Exchange, code: ErrorCode, reason?: string): void {
    const body = refusal(code, reason, exchange.id)
    const status = body.statusCode as number
    const wait: Record<string, string> = status === 503 || status === 429 ? { 'retry-after': '5' } : {}
    if (status >= 500) entries.add('error', { path: exchange.path, reason: reason ?? body.title })
    exchange.answer(status, { ...headers(), ...wait }, JSON.stringify(body))
  }

  /** Nothing says whether there would be something for those who know the token. */
  function admits(exchange: Exchange): boolean {
    const token = tokenOf(exchange.query)
    if (mayUse(token, settings)) return true
    if (token !== undefined) metrics.refused('request', 'router-token')
    return false
  }

  async function get(exchange: Exchange, segments: readonly string[]): Promise<void> {
    if (segments.length === 1 && segments[0] === 'clear') {
      await clear()
      return exchange.answer(302, { ...headers(), location: '/' })
    }
    const said = await say(segments)
    if (exchange.ended) return
    if (!said) return refuse(exchange, 'HYDRA_NO_ROUTE')
    const { result = null, text, more } = said
    const write = (): Uint8Array => Buffer.from(written(envelope(200, result, more), text))
    exchange.answer(200, headers(), bodies.of(text ?? result ?? said, write))
  }

  async function post(
    exchange: Exchange,
    [kind, name, ...more]: readonly string[],
    posts: Posts,
  ): Promise<void> {
    const isStream = kind === 'stream'
    if (more.length > 0 || isStream !== (name !== undefined) || name === '')
      return refuse(exchange, 'HYDRA_NO_ROUTE')
    const message = await readMessage(exchange, settings, { clock, newId })
    const sender = await senderOf(exchange)
    if (exchange.ended) return
    if (settings.debugLogging) {
      const { to, from, mid, type } = message
      entries.add('message', { to, from, mid, type })
    }
    const { status, result, text } = isStream
      ? await posts.stream(name!, message, sender)
      : await posts[kind as 'message' | 'send' | 'queue'](message, sender)
    if (exchange.ended) return
    exchange.answer(status, headers(), written(envelope(status, result), text))
  }

  /** Cookies are only looked at for pages of this site: any other could send messages in somebody's name. */
  async function senderOf(exchange: Exchange): Promise<Sender> {
    const isOwn = isSameOrigin(exchange, settings.publicUrl)
    if (isOwn) await identify?.(exchange)
    return { kind: 'door', caller: isOwn ? exchange.caller : undefined, address: exchange.client }
  }

  function failed(exchange: Exchange, error: unknown): void {
    if (exchange.ended) return
    if (error instanceof UmfError) refuse(exchange, 'HYDRA_BAD_REQUEST', error.message)
    else if (error instanceof MessageProblem) refuse(exchange, CODE_OF[error.fault], error.message)
    else if (error instanceof HydraError) refuse(exchange, error.code, error.detail)
    else {
      log.error({ err: error, exchange: exchange.id }, 'the router API failed')
      refuse(exchange, 'HYDRA_INTERNAL')
    }
  }

  const open: RouterApi['open'] = ({ control }) => {
    const posts = postsFor(() => control || mayAskElsewhere())
    return async (exchange) => {
      try {
        if (exchange.method === 'OPTIONS') return exchange.answer(204, preflightHeaders(settings.cors))
        noteRequest(exchange)
        const segments = segmentsOf(exchange.path)
        const isPost = POSTS.has(segments[0] ?? '')
        if (!(control || isPost) || !admits(exchange)) return refuse(exchange, 'HYDRA_NO_ROUTE')
        counts.count('http', ROUTER_SERVICE)
        await (isPost ? post(exchange, segments, posts) : get(exchange, segments))
      } catch (error) {
        failed(exchange, error)
      }
    }
  }

  function noteRequest(exchange: Exchange): void {
    if (!settings.debugLogging) return
    exchange.onEnd(() => entries.add('request', requestEntry(exchange)))
  }

  return {
    open,
    noteRequest,
    note: entries.add,
    async page(exchange) {
      if (!admits(exchange)) return notFound(exchange)
      const [services, nodes] = await Promise.all([lists.services(), lists.nodes()])
      if (exchange.ended) return
      const page = routerPage({
        siteTitle,
        query: exchange.query,
        now: clock.now(),
        self,
        isRedisThere: network?.isReachable,
        services,
        nodes,
        routes: lists.routes(),
        registry,
        vitals,
        counts,
      })
      exchange.answer(200, page.headers, page.html)
    },
    async overSocket(path, { body }) {
      const [plain, query = ''] = path.split('?', 2)
      const inBody =
        typeof body === 'object' && body !== null ? (body as { token?: unknown }).token : undefined
      const token = tokenOf(query) ?? (typeof inBody === 'string' ? inBody : undefined)
      const refused = (): string => JSON.stringify({ error: notRoutable(plain!) })
      if (!mayAskElsewhere() || !mayUse(token, settings)) return refused()
      counts.count('ws', ROUTER_SERVICE)
      const segments = segmentsOf(plain!)
      if (segments.length === 1 && segments[0] === 'clear') {
        await clear()
        return '{}'
      }
      const said = await say(segments).catch((error) => {
        if (error instanceof MessageProblem) return { result: { error: error.message } }
        throw error
      })
      return said ? jsonOf(said) : refused()
    },
  }
}

/** An envelope as JSON; `text`: its result, where that is JSON already. */
function written(body: object, text: string | undefined): string {
  const json = JSON.stringify(body)
  // `result` comes last.
  return text === undefined ? json : `${json.slice(0, -'null}'.length)}${text}}`
}

/** The sentence of the original. */
function notRoutable(path: string): string {
  return `Route ${path} is not routable.`
}

function reachable(network: FlywheelNetwork | undefined): FlywheelNetwork | undefined {
  if (network && !network.isReachable) throw new MessageProblem('store-away', 'Redis can not be reached')
  return network
}

/** What stands below the prefix, decoded; nothing for any other path. */
function segmentsOf(path: string): readonly string[] {
  if (!path.startsWith(ROUTER_PREFIX)) return []
  try {
    return path.slice(ROUTER_PREFIX.length).split('/').map(decodeURIComponent)
  } catch {
    return []
  }
}
