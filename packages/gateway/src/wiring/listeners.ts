/**
 * The ports: where visitors, services and operators come in.
 *
 * @module
 */
import { compileAddressList } from '../address/address-list.ts'
import type { Doors } from '../control/doors.ts'
import { createClosedIdentity } from '../identity/closed-identity.ts'
import type { OpenedIdentity } from '../identity/identity.ts'
import type { RouteOf } from '../identity/other-route.ts'
import type { GivenSockets } from '../lifecycle/given-sockets.ts'
import type { Answers } from '../proxy/answers.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { createFlywheelRules } from '../proxy/flywheel-rules.ts'
import { type Listener, type ListenOptions, listen } from '../proxy/listener.ts'
import { createProxy } from '../proxy/proxy.ts'
import { isLoginPath, isReservedPath, isRouterPath } from '../routing/reserved.ts'
import { emptyTable } from '../routing/table.ts'
import { flywheelSlice, http2Slice, isFlywheelOn, proxySlice } from '../slices.ts'
import type { Certificates } from '../tls/certificates.ts'
import type { Channels } from './channels.ts'
import { type Core, sliceOf } from './core.ts'
import type { DataPlane } from './data-plane.ts'
import type { Messages } from './messaging.ts'

export interface CloseOptions {
  /** Another process has the same ports and takes what comes from now on. @default false */
  readonly isReplaced?: boolean
}

export interface ListenersDeps {
  readonly doors: Doors
  readonly answers: Answers
  readonly dataPlane: DataPlane
  readonly rsocket: Channels['rsocket']
  readonly messaging: Pick<Messages['messaging'], 'takes' | 'accept' | 'endAll'>
  /** Notes a request by the rules of hydra-router. */
  readonly onFlywheelRequest?: ((exchange: Exchange) => void) | undefined
  /** Whether services may find another node. */
  readonly hasOthers: boolean
  readonly identity: OpenedIdentity | undefined
  readonly routeOf: RouteOf
  readonly certificates: Certificates | undefined
  /** Opens the public port; workers may. @default this process does */
  readonly openPublic?: ((options: ListenOptions) => Promise<Listener>) | undefined
  readonly sockets?: GivenSockets | undefined
  /** Whether the store was read once. */
  readonly knowsAll: () => boolean
}

export interface Listeners {
  readonly url: string
  readonly port: number
  readonly controlUrl?: string
  readonly controlPort?: number
  readonly rsocketPort?: number
  /** Takes nothing new; resolves when what was running is done, or its grace is over. */
  close(options?: CloseOptions): Promise<void>
}

/** A few services are sent on at once; many, one after the other. */
const EACH_SERVICE_MS = 5

/** Which paths are the gateway's own. */
export function localPaths({
  hasLogin,
  isFlywheelOn,
}: {
  readonly hasLogin: boolean
  readonly isFlywheelOn: boolean
}): (path: string) => boolean {
  if (hasLogin && isFlywheelOn)
    return (path) => isReservedPath(path) || isRouterPath(path) || isLoginPath(path)
  if (isFlywheelOn) return (path) => isReservedPath(path) || isRouterPath(path)
  return hasLogin ? (path) => isReservedPath(path) || isLoginPath(path) : isReservedPath
}

/** Opens all of them, or none: a port that can't be had is the end of a start, not half a gateway. */
export async function openListeners(
  core: Core,
  {
    doors,
    answers,
    dataPlane,
    rsocket,
    messaging,
    onFlywheelRequest,
    hasOthers,
    identity,
    routeOf,
    certificates,
    openPublic = listen,
    sockets,
    knowsAll,
  }: ListenersDeps,
): Promise<Listeners> {
  const { config, keys, clock, log, metrics, live } = core
  const { forwarder, visitors, passes } = dataPlane
  const settings = sliceOf(core, proxySlice)
  const stopping = sliceOf(core, ({ http, cluster }) => ({ ...http, spread: cluster.spread }))
  const trusted = sliceOf(core, ({ trustedProxies }) => ({ list: compileAddressList(trustedProxies) }))
  const listening = {
    settings,
    trusted: { has: (address: string) => trusted.list.has(address) },
    maskPath: keys.mask,
    problem: answers.problem,
    unreadablePage: answers.unreadablePage,
    // RFC 6455, 7.4.1 and the registry of its codes: 1012 is a restart, which browsers' code can tell from a fault.
    endSockets: async (graceMs: number) => {
      const spreadMs = Math.min(graceMs, stopping.spread)
      await Promise.all([
        forwarder.endSockets(1012, 'the gateway restarts', spreadMs),
        messaging.endAll(1012, 'the gateway restarts', spreadMs),
        sendServicesOn(),
      ])
    },
    clock,
    log,
    metrics,
  }
  const shared = {
    live,
    select: visitors.select,
    forward: forwarder.forward,
    answers,
    identity: identity?.proxy ?? createClosedIdentity({ answers, routeOf }),
    passes,
    settings,
    metrics,
    log,
  }
  const alone = config.controlPort === undefined
  const publicProxy = createProxy({
    ...shared,
    isLocal: localPaths({ hasLogin: identity !== undefined, isFlywheelOn: isFlywheelOn(config) }),
    flywheel: createFlywheelRules({ settings: sliceOf(core, flywheelSlice), onRequest: onFlywheelRequest }),
    sockets: messaging,
    local: doors.open({ control: alone }),
    welcome: doors.welcome({ control: alone }),
    knowsAll,
  })
  // Only reserved paths: what services offer is on the public port.
  const controlProxy = () =>
    createProxy({
      ...shared,
      live: { table: emptyTable() },
      isLocal: localPaths({ hasLogin: false, isFlywheelOn: isFlywheelOn(config) }),
      local: doors.open({ control: true }),
      welcome: isFlywheelOn(config) ? doors.welcome({ control: true }) : undefined,
    })

  const { port, controlPort, rsocketPort, host } = config
  const listeners: { close(graceMs: number, idleMs: number): Promise<void> }[] = []
  const opened = async <T extends { close(graceMs: number, idleMs: number): Promise<void> }>(
    listener: Promise<T>,
  ): Promise<T> => {
    listeners.push(await listener)
    return listener
  }
  // Where nobody else is to go to, nobody is spared the rush.
  let mayGoOn = hasOthers
  let gone: Promise<void> | undefined
  const sendServicesOn = (): Promise<void> =>
    (gone ??= rsocket
      .drain(mayGoOn ? Math.min(stopping.spread, rsocket.size * EACH_SERVICE_MS) : 0)
      .then(() => rsocket.close()))
  // Services are told while visitors' requests run on: one that left a stopping node stays in its table.
  const close = async ({ isReplaced = false }: CloseOptions = {}): Promise<void> => {
    const { stopGrace, stopIdle } = stopping
    if (isReplaced) {
      mayGoOn = true
      rsocket.stopListening()
    }
    await Promise.all(listeners.map((each) => each.close(stopGrace, stopIdle)))
    await sendServicesOn()
  }
  try {
    const server = await opened(
      openPublic({
        ...listening,
        port,
        host,
        fd: sockets?.http,
        certificates,
        http2: http2Slice(config),
        handler: publicProxy,
      }),
    )
    const control = alone
      ? undefined
      : await opened(
          listen({ ...listening, port: controlPort!, host, fd: sockets?.control, handler: controlProxy() }),
        )
    const tcp =
      rsocketPort === undefined ? undefined : await rsocket.listenTcp(rsocketPort, host, sockets?.rsocket)
    return {
      url: server.url,
      port: server.port,
      ...(control ? { controlUrl: control.url, controlPort: control.port } : {}),
      ...(tcp ? { rsocketPort: tcp.port } : {}),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
