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
import type { Answers } from '../proxy/answers.ts'
import { listen } from '../proxy/listener.ts'
import { createProxy } from '../proxy/proxy.ts'
import { isLoginPath, isReservedPath } from '../routing/reserved.ts'
import { emptyTable } from '../routing/table.ts'
import { http2Slice, proxySlice } from '../slices.ts'
import type { Certificates } from '../tls/certificates.ts'
import type { Channels } from './channels.ts'
import type { Core } from './core.ts'
import type { DataPlane } from './data-plane.ts'

export interface ListenersDeps {
  readonly doors: Doors
  readonly answers: Answers
  readonly dataPlane: DataPlane
  readonly rsocket: Channels['rsocket']
  readonly identity: OpenedIdentity | undefined
  readonly routeOf: RouteOf
  readonly certificates: Certificates | undefined
}

export interface Listeners {
  readonly url: string
  readonly port: number
  readonly controlUrl?: string
  readonly controlPort?: number
  readonly rsocketPort?: number
  /** Takes nothing new; resolves when what was running is done, or its grace is over. */
  close(): Promise<void>
}

/** Opens all of them, or none: a port that can't be had is the end of a start, not half a gateway. */
export async function openListeners(
  { config, keys, clock, log, metrics, live }: Core,
  { doors, answers, dataPlane, rsocket, identity, routeOf, certificates }: ListenersDeps,
): Promise<Listeners> {
  const { forwarder, visitors } = dataPlane
  const settings = proxySlice(config)
  const listening = {
    settings,
    trusted: compileAddressList(config.trustedProxies),
    maskPath: keys.mask,
    problem: answers.problem,
    unreadablePage: answers.unreadablePage,
    // RFC 6455, 7.4.1 and the registry of its codes: 1012 is a restart, which browsers' code can tell from a fault.
    endSockets: () => forwarder.endSockets(1012, 'the gateway restarts'),
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
    settings,
    metrics,
    log,
  }
  const alone = config.controlPort === undefined
  const publicProxy = createProxy({
    ...shared,
    isLocal: identity ? (path) => isReservedPath(path) || isLoginPath(path) : isReservedPath,
    local: doors.open({ control: alone }),
    welcome: doors.welcome,
  })
  // Only reserved paths: what services offer is on the public port.
  const controlProxy = () =>
    createProxy({
      ...shared,
      live: { table: emptyTable() },
      isLocal: isReservedPath,
      local: doors.open({ control: true }),
    })

  const { port, controlPort, rsocketPort, host } = config
  const listeners: { close(graceMs: number): Promise<void> }[] = []
  const opened = async <T extends { close(graceMs: number): Promise<void> }>(
    listener: Promise<T>,
  ): Promise<T> => {
    listeners.push(await listener)
    return listener
  }
  // Services are told at once, visitors' requests run on: a service that left a stopping node stays in its table.
  const close = async (): Promise<void> => {
    await Promise.all([rsocket.close(), ...listeners.map((each) => each.close(config.http.stopGrace))])
  }
  try {
    const server = await opened(
      listen({ ...listening, port, host, certificates, http2: http2Slice(config), handler: publicProxy }),
    )
    const control = alone
      ? undefined
      : await opened(listen({ ...listening, port: controlPort!, host, handler: controlProxy() }))
    const tcp = rsocketPort === undefined ? undefined : await rsocket.listenTcp(rsocketPort, host)
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
