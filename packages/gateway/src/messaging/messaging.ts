/**
 * Messaging: puts its parts together. Sockets of clients come in here, messages of services, of other nodes and of Redis
 * too, and all of them go through one messenger.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { LONG_HEADERS, type UmfAddress, type UmfMessage } from '@hydra-gateway/protocol/umf'
import type { Caller, Refusal, ServiceTokens } from '../identity/port.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { OwnRequests } from '../proxy/forward.ts'
import type { Route } from '../routing/route.ts'
import type { RoutingTable } from '../routing/table.ts'
import type { Instance } from '../routing/upstream.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import type { Bus } from '../store/bus/port.ts'
import type { MailboxStore } from '../store/mailboxes/port.ts'
import { createClientAdmission } from './client-admission.ts'
import { type ClientIds, createClientIds } from './client-ids.ts'
import { createClientMail } from './client-mail.ts'
import { createClientSending } from './client-sending.ts'
import { CLOSE_CODES, type ClientSession, type LocalClients, type Resuming } from './client-session.ts'
import { type ClientIdentity, type ClientSockets, createClientSockets } from './client-sockets.ts'
import { createFrames, type Frames } from './frames.ts'
import { createLocalClients } from './local-clients.ts'
import { createMessenger, type NodeMessenger } from './messenger.ts'
import { createNodePeers } from './node-peers.ts'
import { createOwnCalls } from './own-calls.ts'
import { createOwnedMail } from './owned-mail.ts'
import type { Owner } from './owner.ts'
import { createPeers } from './peers.ts'
import {
  type ClientMail,
  type InstanceCarrier,
  MessageProblem,
  type OwnCalls,
  type Peers,
  type Permit,
  type Sender,
  type ServiceMessenger,
} from './port.ts'
import { createReconnect } from './reconnect.ts'
import { createRouterDesk } from './router-desk.ts'
import { createRouterWords, type RouterWords } from './router-words.ts'
import { createServiceDelivery } from './service-delivery.ts'
import type { MessageSettings, OriginSettings, RouterSettings } from './settings.ts'
import type { Signatures } from './signature.ts'
import { openSocketPaths } from './socket-paths.ts'
import { createWebsocketAuth } from './websocket-auth.ts'

/** What messaging asks of identity, where somebody can sign in. */
export interface MessagingIdentity extends ClientIdentity {
  readonly serviceTokens: Pick<ServiceTokens, 'tokenFor'>
  /** Whether a session has ended, as far as is known without waiting. */
  isOver(owner: Owner): boolean
  /** The same, once others have said whether they renewed it. */
  hasEnded(owner: Owner): Promise<boolean>
  /** Calls back when sessions may have ended. */
  onEnds(listener: () => void): void
  /** Whether a caller may have a path of a service, the operator's rules included. */
  refusalOf(
    caller: Caller | undefined,
    asked: { readonly service: string; readonly path: string; readonly route: Route | undefined },
  ): Refusal | undefined
}

/** The network of services in Redis, as messaging sees it. */
export interface MessagingNetwork {
  readonly peers: Peers
  readonly mail: ClientMail
  /** Looks who is there now; false: it did not. */
  look(): Promise<boolean>
  queue(service: string, message: UmfMessage): Promise<void>
  onMessage(listener: (message: UmfMessage) => void): () => void
}

export interface MessagingDeps {
  readonly settings: MessageSettings
  readonly router: RouterSettings
  readonly origins: OriginSettings
  /** Id of this node as a router: 32 lower-case hex digits. */
  readonly routerId: string
  readonly privateKeys: readonly string[]
  readonly table: () => RoutingTable
  readonly vitals: VitalsBook
  /** `forwarder.own`. */
  readonly requests: OwnRequests
  /** @default nobody can sign in: what is for some is for none */
  readonly identity?: MessagingIdentity | undefined
  readonly permit: Permit
  /** An instance that is there, whether it takes new visitors or not. */
  readonly memberOf?: ((service: string, instance: string) => Instance | undefined) | undefined
  /** Ways to services, in the order of preference. */
  readonly carriers: () => readonly InstanceCarrier[]
  readonly network?: MessagingNetwork | undefined
  readonly mailboxes: MailboxStore
  /** How nodes of this cluster talk; absent for a gateway that is alone. */
  readonly bus?: Bus | undefined
  /** Whether the membership lists a router. */
  readonly isRouterThere?: ((router: string) => boolean) | undefined
  /** Makes what clients that resume need. @default clients can't resume */
  readonly resuming?: ((parts: ResumingParts) => Resuming) | undefined
  /** Checks signatures, while they are asked for. */
  readonly signatures?: Pick<Signatures, 'check'> | undefined
  /** Calls of the router API by messages; resolves with the body of the answer as JSON, undefined for no answer. */
  readonly routerCall?:
    | ((message: UmfMessage, to: UmfAddress, sender: Sender) => Promise<string | undefined>)
    | undefined
  /** A client has something for the router's log. */
  readonly onLog?: ((message: UmfMessage, sender: Sender) => void) | undefined
  readonly isReserved: (path: string) => boolean
  /** Who has an IPv6 address has 2^64 of them. */
  readonly networkOf: (address: string) => string
  /** Answers an exchange with a problem. */
  readonly refuse: Parameters<typeof createClientSockets>[0]['refuse']
  /** 0 to 1, as Math.random. */
  readonly random: () => number
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

/** What clients that resume are made of beside their own parts. */
export interface ResumingParts {
  readonly ids: ClientIds
  readonly locals: LocalClients
  readonly words: RouterWords
}

export interface Messaging {
  /** Whether an upgrade that no service declared is for messages. */
  takes(path: string): boolean
  /** Takes an upgrade over, or answers why not. */
  accept(exchange: Exchange): void
  readonly messenger: ServiceMessenger
  readonly calls: OwnCalls
  readonly peers: Peers
  readonly locals: LocalClients
  /** Open sockets. */
  readonly size: number
  endAll: ClientSockets['endAll']
  close(): Promise<void>
}

/** When what waits for a client is asked for again, while the store is away. */
const COLLECT_AGAIN_MS = 1000

export function createMessaging(deps: MessagingDeps): Messaging {
  const { settings, router, origins, routerId, table, vitals, requests, identity, network } = deps
  const { mailboxes, bus, random, clock, log, metrics } = deps
  const source = { now: clock.now, newId: randomUUID, mayLackFrom: false, headerBounds: settings }
  const counts = metrics.messages
  const ids = createClientIds(deps.privateKeys)
  const words = createRouterWords({ routerId, now: clock.now, newId: randomUUID })
  const warn = (reason: string, error?: unknown): void => {
    counts.dropped(reason)
    log.debug({ err: error, reason }, 'something of messages went wrong')
  }

  // Who is where.
  const nodes =
    bus &&
    createNodePeers({
      routerId,
      bus,
      isThere: deps.isRouterThere ?? (() => false),
      onMessage: (client, message) => void messenger.receiveForClient(client, message),
      onMany: (clients, message) => messenger.receiveForMany(clients, message),
      // Whoever sent it has seen to that.
      source: { ...source, headerBounds: LONG_HEADERS },
      clock,
      onFailed: warn,
      settings: { compareMs: settings.directoryCompareMs ?? 5000 },
    })
  const peers = createPeers({ routerId, nodes, network: () => network?.peers })
  const locals = createLocalClients(peers)
  peers.onTaken?.((client) => {
    const session = locals.get(client)
    if (session?.kind === 'classic')
      session.end(CLOSE_CODES.replaced, 'another connection took this session over')
  })
  // Whoever keeps mail may not have heard yet that its client is back.
  const collect = (client: string, from: Pick<ClientMail, 'give'> = mail): void => {
    const session = locals.get(client)
    session?.collect?.(from).catch((error) => notGiven(session, error))
  }
  /** The store went away meanwhile: what waits is not to wait until the client comes back. */
  const notGiven = (session: ClientSession, error: unknown): void => {
    if (!session.line.isOpen) return
    warn('mail', error)
    clock.after(COLLECT_AGAIN_MS, () => {
      if (locals.get(session.id) === session) collect(session.id, { give: mail.giveOnce })
    })
  }
  peers.onMailed?.((client) => collect(client))
  const hasEnded = async (owner: Owner): Promise<boolean> => !identity || identity.hasEnded(owner)
  const mail = createOwnedMail({
    mail:
      network?.mail ??
      createClientMail({
        mailboxes,
        settings,
        onDropped: (count) => counts.dropped('mail-full', count),
      }),
    mailboxes,
    ids,
    onReturned: (client) => peers.mailed?.(client),
    isOver: (owner) => identity?.isOver(owner) ?? true,
    hasEnded,
    settings,
    clock,
    onFailed: (error) => warn('mail', error),
  })
  const resuming = deps.resuming?.({ ids, locals, words })

  // The ways messages go.
  const calls = createOwnCalls({
    requests,
    table,
    refusalOf: identity?.refusalOf ?? ((_, { route }) => (isClosed(route) ? 'login' : undefined)),
    tokens: identity?.serviceTokens,
    isReserved: deps.isReserved,
    mostBytes: () => settings.maxBytes,
    vitals,
    newId: randomUUID,
    random,
    clock,
  })
  const messenger: NodeMessenger = createMessenger({
    routerId,
    toService: createServiceDelivery({
      routerId,
      table,
      vitals,
      carriers: deps.carriers,
      look: network && (() => network.look()),
      permit: deps.permit,
      memberOf: deps.memberOf,
      random,
      counts,
    }),
    calls,
    ids,
    locals,
    peers,
    mail,
    resuming,
    onMailed(client) {
      if (locals.get(client)) collect(client)
      else peers.mailed?.(client)
    },
    callTimeoutOf: (service) =>
      table().service(service)?.channel === 'flywheel' ? router.requestTimeoutMs : settings.callTimeoutMs,
    counts,
    clock,
    log,
  })
  const stopHearing = network?.onMessage((message) => void messenger.receive(message))

  // Sockets.
  const sockets: ClientSockets = createClientSockets({
    settings,
    admission: createClientAdmission({ settings, router, origins, networkOf: deps.networkOf, random }),
    identity,
    ask: createWebsocketAuth({ calls, settings: router }),
    ids,
    locals,
    mail,
    frames: () => frames,
    words,
    resuming,
    refuse: deps.refuse,
    clock,
    log,
    metrics,
  })
  const sending = createClientSending({ messenger, words })
  const desk = createRouterDesk({
    routerId,
    sending,
    words,
    locals,
    peers,
    reconnect: createReconnect({
      ids,
      locals,
      peers,
      mail,
      words,
      replace: sockets.replace,
      onFailed: notGiven,
      clock,
    }),
    isService: (name) => table().service(name) !== undefined,
    permit: deps.permit,
    queue: () => network && ((service, message) => network.queue(service, message)),
    routerCall: deps.routerCall ?? noRouterCalls,
    onLog: deps.onLog ?? (() => {}),
  })
  const frames: Frames = createFrames({
    sending,
    desk,
    words,
    source,
    signatures: () => (router.forceMessageSignature ? deps.signatures : undefined),
  })

  const endSession = (session: ClientSession): void => {
    session.end(CLOSE_CODES.sessionEnded, 'the session has ended')
    // What is kept for it ends with it.
    if (session.kind === 'classic') mail.remove(session.id).catch((error) => warn('mail', error))
  }
  const endOver = (): void => {
    for (const session of [...locals.all()]) {
      const { caller } = session
      if (caller && identity?.isOver(caller)) endSession(session)
    }
    mail.removeEnded()
  }
  identity?.onEnds(endOver)
  counts.clientsOf(() => sockets.size)

  return {
    takes: openSocketPaths(router.enabled),
    accept: sockets.accept,
    messenger,
    calls,
    peers,
    locals,
    get size() {
      return sockets.size
    },
    endAll: sockets.endAll,
    async close() {
      stopHearing?.()
      sockets.close()
      nodes?.close()
    },
  }
}

async function noRouterCalls({ to }: UmfMessage): Promise<never> {
  throw new MessageProblem('not-allowed', `Route ${to} is not routable.`)
}

function isClosed(route: Route | undefined): boolean {
  return route?.auth === 'required' || (route?.roles ?? route?.providers) !== undefined
}
