/**
 * Messages: between clients with a socket here, services with a line, services in Redis, and the router API.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { parsePattern } from '@hydra-gateway/protocol'
import { networkOf } from '../address/network.ts'
import type { RouterSelf } from '../channels/flywheel/self.ts'
import type { OpenedIdentity } from '../identity/identity.ts'
import type { Caller, Refusal } from '../identity/port.ts'
import { createSealer } from '../identity/sealing.ts'
import { createFind } from '../messaging/find.ts'
import { createKnownServices } from '../messaging/known-services.ts'
import { createMessaging, type Messaging, type MessagingIdentity } from '../messaging/messaging.ts'
import { createPermits } from '../messaging/permits.ts'
import type { ServiceDesk } from '../messaging/port.ts'
import type { ResumeIdentity, ResumingClients } from '../messaging/resume/port.ts'
import { createResuming } from '../messaging/resume/resuming.ts'
import { createSdkCarrier } from '../messaging/sdk-carrier.ts'
import { createSessionRate } from '../messaging/session-rate.ts'
import { createSignatures } from '../messaging/signature.ts'
import type { Answers } from '../proxy/answers.ts'
import type { ExchangeHandler } from '../proxy/exchange.ts'
import type { Registry } from '../registry/registry.ts'
import { countedCarrier } from '../router-api/counted-carrier.ts'
import type { RouterApi } from '../router-api/router-api.ts'
import { createSecondCounts, instancesOf } from '../router-api/second-counts.ts'
import type { DemandsAt } from '../routing/demands.ts'
import { isReservedPath, isRouterPath } from '../routing/reserved.ts'
import type { Route } from '../routing/route.ts'
import { sitePath } from '../routing/site-route.ts'
import {
  isFlywheelOn,
  messagesSlice,
  proxySlice,
  routerApiSlice,
  routerSlice,
  signaturesSlice,
} from '../slices.ts'
import type { Store } from '../store/store.ts'
import type { Channels } from './channels.ts'
import { type Core, sliceOf } from './core.ts'
import type { DataPlane } from './data-plane.ts'
import type { Flywheel } from './flywheel.ts'

export interface MessagesDeps {
  readonly node: string
  readonly store: Store
  readonly registry: Registry
  readonly identity: OpenedIdentity | undefined
  readonly demandsAt: DemandsAt
  readonly dataPlane: Pick<DataPlane, 'forwarder'>
  readonly network: Flywheel['network']
  /** Whether a node says that it is there. */
  readonly isNodeThere: (node: string) => boolean
  /** Asked when a message goes to a line: channels are made later. */
  readonly rsocket: () => Channels['rsocket']
  readonly answers: Answers
  /** This node, as the router API tells it. */
  readonly self: RouterSelf
  readonly notFound: ExchangeHandler
}

export interface Messages {
  readonly messaging: Messaging
  /** Where services send messages. */
  readonly desk: ServiceDesk
  /** Present while the gateway stands in for hydra-router. */
  readonly routerApi: RouterApi | undefined
  close(): Promise<void>
}

/** What stands in for hydra-router is loaded while it does. */
export async function openMessages(core: Core, deps: MessagesDeps): Promise<Messages> {
  const { config, keys, random, clock, log, metrics, live, vitals } = core
  const { node, store, registry, identity, network, rsocket, answers, isNodeThere } = deps
  const isOn = isFlywheelOn(config)
  const settings = sliceOf(core, messagesSlice)
  const services = createKnownServices(registry)
  const { permit, refusedOf } = createPermits({ services, admits: identity?.guard.admits, log })
  const sdk = createSdkCarrier({
    node,
    services,
    lines: {
      lineOf: (id) => rsocket().lineOf(id),
      deliver: (id, message, sender) => rsocket().deliver(id, message, sender),
    },
    bus: store.bus,
    isNodeThere,
    tokens: identity?.serviceTokens,
    settings,
    newId: randomUUID,
    clock,
    log,
  })
  const { signatureSharedSecret: secret } = config.flywheel
  let resuming: ResumingClients | undefined
  const counts = isOn
    ? createSecondCounts({ instances: () => instancesOf(registry), vitals, clock })
    : undefined
  const ways = (network ? [sdk, network.carrier] : [sdk]).map((way) => countedCarrier(way, counts))
  const external = sliceOf(core, ({ flywheel }) => ({ routes: flywheel.externalRoutes }))

  const messaging: Messaging = createMessaging({
    settings,
    router: sliceOf(core, routerSlice),
    origins: sliceOf(core, proxySlice),
    routerId: node,
    privateKeys: keys.privateKeys,
    table: () => live.table,
    vitals,
    requests: deps.dataPlane.forwarder.own,
    identity: identity && messagingIdentity(identity, deps.demandsAt),
    permit,
    memberOf: (service, id) => services.member(service, id)?.instance,
    carriers: () => ways,
    network,
    mailboxes: store.mailboxes,
    bus: store.isShared ? store.bus : undefined,
    isRouterThere: isNodeThere,
    resuming: ({ ids, words }) => {
      resuming = createResuming({
        node,
        mailboxes: store.mailboxes,
        bus: store.bus,
        reach: store.reach,
        ids,
        words,
        sealer: createSealer(keys.privateKeys, 'resume token'),
        identity: resumeIdentity(identity),
        settings,
        mayBegin: createSessionRate({ settings, networkOf, clock }),
        clock,
        newId: randomUUID,
        log,
        count: metrics.messages.resumed,
      })
      return resuming
    },
    signatures:
      secret === undefined
        ? undefined
        : createSignatures({
            secret,
            settings: signaturesSlice(config),
            bus: store.isShared ? store.bus : undefined,
            clock,
          }),
    routerCall: isOn ? async (message, to) => routerApi?.overSocket(to.path, message) : undefined,
    // What proves who somebody is, is nothing for those who read it.
    onLog: ({ authorization: _, signature: _s, ...said }) => routerApi?.note('info', said),
    isReserved: (path) => isReservedPath(path) || (isOn && isRouterPath(path)),
    networkOf,
    refuse(exchange, { code, detail, headers }) {
      answers.problem(exchange, code, detail, headers)
    },
    random,
    clock,
    log,
    metrics,
  })
  if (resuming) metrics.messages.resumingOf(resuming.usage)

  const routerApi =
    counts &&
    (await import('../router-api/router-api.ts')).createRouterApi({
      settings: sliceOf(core, routerApiSlice),
      self: deps.self,
      siteTitle: config.siteTitle,
      network,
      messenger: messaging.messenger,
      peers: messaging.peers,
      permit,
      identify: identity?.guard.identify,
      registry,
      live,
      vitals,
      externalRoutes: () => external.routes,
      counts,
      notFound: deps.notFound,
      newId: randomUUID,
      clock,
      log,
      metrics,
    })

  return {
    messaging,
    desk: { messenger: messaging.messenger, find: createFind(live), refusedOf },
    routerApi,
    async close() {
      await resuming?.close()
      await messaging.close()
      sdk.close()
      counts?.close()
    },
  }
}

/** Paths of a service that no route of it takes are for everybody, unless the operator says otherwise. */
function messagingIdentity(identity: OpenedIdentity, demandsAt: DemandsAt): MessagingIdentity {
  const { guard, book, serviceTokens, isOver, hasEnded, onEnds, judge } = identity
  const refusalOf = (
    caller: Caller | undefined,
    { service, path, route }: { service: string; path: string; route: Route | undefined },
  ): Refusal | undefined => {
    // Visitors have what no route takes at the site of the service: rules may be about either path.
    const paths = route ? [path] : [path, sitePath(service, path)]
    for (const at of paths) {
      for (const demand of demandsAt(route ?? unknownRoute(service), at, '')) {
        const refusal = judge(caller, demand.service, demand)
        if (refusal) return refusal
      }
    }
    return undefined
  }
  return { guard, book, serviceTokens, isOver, hasEnded, onEnds, refusalOf }
}

const ANY_PATH = parsePattern('/**').patterns[0]!
const unknownRoute = (service: string): Route => ({ service, claims: [], pattern: ANY_PATH, kind: 'page' })

function resumeIdentity(identity: OpenedIdentity | undefined): ResumeIdentity {
  if (!identity) return NOBODY
  const { isOver, hasEnded, endsAt, revocations, tokens, onEnds } = identity
  return {
    isOver,
    hasEnded,
    isRevoked: revocations.isRevoked,
    endsAt,
    async verify(login: string) {
      const said = await tokens.verify(login)
      return typeof said === 'string' || revocations.isRevoked(said) ? undefined : said
    },
    onEnds,
  }
}

/** Where nobody signs in, what belongs to somebody is over. */
const NOBODY: ResumeIdentity = {
  isOver: () => true,
  hasEnded: async () => true,
  isRevoked: () => true,
  endsAt: () => undefined,
  verify: () => undefined,
  onEnds() {},
}
