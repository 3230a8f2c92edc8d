/**
 * Who of the clients is at which router: original routers and gateways tell each other over the channels of `hydra-router`
 * (`flywheel.md` 5.5). What is heard is a hint where to send: whoever is named there is asked, or mail is kept.
 *
 * @module
 */
import {
  DIRECTORY_TYPES,
  formatUmf,
  ROUTER_SERVICE,
  UMF_VERSION,
  type UmfMessage,
} from '@hydra-gateway/protocol/umf'
import { MessageProblem, type Peers } from '../../messaging/port.ts'
import type { Clock } from '../../observe/clock.ts'
import type { Complaints } from './complaints.ts'
import type { FlywheelNetworkSettings } from './settings.ts'
import { CLIENT_ID, channelOf, INSTANCE_ID } from './words.ts'

export interface Directory extends Peers {
  /** Takes a message of another router; false when it is none of these. */
  hear(message: UmfMessage): boolean
  /** All who are at this router are told to the others, who are asked for theirs. */
  introduce(): void
  /** Forgets routers that are not there any more. */
  sweep(isLive: (router: string) => boolean): void
  /** Says that this router stops. */
  leave(): Promise<void>
}

export interface DirectoryDeps {
  readonly routerId: string
  /** Resolves with how many heard it. Rejects with StoreAway. */
  readonly publish: (channel: string, text: string) => Promise<number>
  readonly settings: Pick<FlywheelNetworkSettings, 'maxRouters' | 'maxPeerClients' | 'lookMs'>
  readonly clock: Clock
  readonly newId: () => string
  readonly complaints: Complaints
}

/** Looks for which a router that said something is believed to be there, seen or not: the original did not, and its clients got mail instead (B27). */
const SPOKE_LOOKS = 4
/** Clients that are told of at once, and ms until the next of them. */
const TOLD_AT_ONCE = 500
const TOLD_EVERY_MS = 20
/** Everybody hears an answer: who asks meanwhile is answered by the next one. */
const ANSWERED_EVERY_MS = 250

export function createDirectory(deps: DirectoryDeps): Directory {
  const { routerId, publish, settings, clock, newId, complaints } = deps
  const own = new Set<string>()
  const routers = new Map<string, { readonly clients: Set<string>; spokeAt: number }>()
  const places = new Map<string, string>()
  const from = `${routerId}@${ROUTER_SERVICE}:/`
  const everybody = channelOf(ROUTER_SERVICE)
  let introducing: (() => void) | undefined
  let answering: (() => void) | undefined
  let asker: string | undefined

  const say = (type: string, body: object, to = `${ROUTER_SERVICE}:/`): Promise<void> =>
    publish(
      everybody,
      formatUmf({
        to,
        from,
        mid: newId(),
        timestamp: new Date(clock.now()).toISOString(),
        type,
        version: UMF_VERSION,
        body: { routerID: routerId, ...body },
      }),
    ).then(
      () => {},
      // Whoever could not be told hears everything once Redis is back.
      () => {},
    )

  const answer = (id: string): void => {
    if (answering) {
      asker = id
      return
    }
    const all = Object.fromEntries([...own].map((one) => [one, 1]))
    void say(DIRECTORY_TYPES.directory, { directory: all }, `${id}@${ROUTER_SERVICE}:/`)
    answering = clock.after(ANSWERED_EVERY_MS, answered)
  }
  const answered = (): void => {
    answering = undefined
    const next = asker
    asker = undefined
    if (next !== undefined) answer(next)
  }

  const routerOf = (id: string): { readonly clients: Set<string>; spokeAt: number } | undefined => {
    const before = routers.get(id)
    if (before) {
      before.spokeAt = clock.monotonic()
      return before
    }
    if (routers.size >= settings.maxRouters) {
      complaints.about('routers', 'there are more routers than are kept in mind', { subject: id })
      return undefined
    }
    const router = { clients: new Set<string>(), spokeAt: clock.monotonic() }
    routers.set(id, router)
    return router
  }
  const place = (client: string, id: string): void => {
    const router = routerOf(id)
    if (!router) return
    const before = places.get(client)
    if (before !== undefined) routers.get(before)?.clients.delete(client)
    else if (places.size >= settings.maxPeerClients) {
      complaints.about('peer-clients', 'there are more clients at other routers than are kept in mind')
      return
    }
    places.set(client, id)
    router.clients.add(client)
  }
  const displace = (client: string, id: string): void => {
    if (places.get(client) !== id) return
    places.delete(client)
    routers.get(id)?.clients.delete(client)
  }
  const forget = (id: string): void => {
    for (const client of routers.get(id)?.clients ?? []) places.delete(client)
    routers.delete(id)
  }

  return {
    here(client) {
      own.add(client)
      void say(DIRECTORY_TYPES.add, { clientID: client })
    },
    gone(client) {
      if (own.delete(client)) void say(DIRECTORY_TYPES.remove, { clientID: client })
    },
    whereIs: (client) => (own.has(client) ? undefined : places.get(client)),
    async deliver(router, message) {
      // Originals look into `via` first, and take for nobody's what names no client there: `forward` says whose it is.
      const { via: _, ...kept } = message
      const text = formatUmf({ ...kept, to: `${router}@${ROUTER_SERVICE}:/` })
      let heard: number
      try {
        heard = INSTANCE_ID.test(router) ? await publish(channelOf(ROUTER_SERVICE, router), text) : 0
      } catch {
        throw new MessageProblem('store-away', 'the other router can not be reached')
      }
      if (heard === 0)
        throw new MessageProblem('unknown-client', 'the router of the client is not there any more')
    },
    directory() {
      const listed: Record<string, readonly string[]> = { [routerId]: [...own] }
      for (const [id, { clients }] of routers) listed[id] = [...clients]
      return listed
    },
    hear({ type, body }) {
      if (!type?.startsWith('wsdir.')) return false
      const { routerID: id, clientID: client, directory } = body as Readonly<Record<string, unknown>>
      if (typeof id !== 'string' || !INSTANCE_ID.test(id)) {
        complaints.about('directory', 'what a router says of clients was not understood')
        return true
      }
      if (id === routerId) return true
      const isClient = typeof client === 'string' && CLIENT_ID.test(client)
      if (type === DIRECTORY_TYPES.add && isClient) place(client, id)
      else if (type === DIRECTORY_TYPES.remove && isClient) displace(client, id)
      else if (type === DIRECTORY_TYPES.routerGone) forget(id)
      else if (type === DIRECTORY_TYPES.share) {
        routerOf(id)
        answer(id)
      } else if (type === DIRECTORY_TYPES.directory && typeof directory === 'object' && directory !== null) {
        const listed = new Set(Object.keys(directory).filter((one) => CLIENT_ID.test(one)))
        for (const one of [...(routers.get(id)?.clients ?? [])]) if (!listed.has(one)) displace(one, id)
        for (const one of listed) place(one, id)
        routerOf(id)
      } else complaints.about('directory', 'what a router says of clients was not understood')
      return true
    },
    introduce() {
      introducing?.()
      void say(DIRECTORY_TYPES.share, {})
      const left = [...own]
      const next = (): void => {
        for (const client of left.splice(0, TOLD_AT_ONCE))
          if (own.has(client)) void say(DIRECTORY_TYPES.add, { clientID: client })
        introducing = left.length > 0 ? clock.after(TOLD_EVERY_MS, next) : undefined
      }
      next()
    },
    sweep(isLive) {
      for (const [id, { spokeAt }] of routers)
        if (!isLive(id) && clock.monotonic() - spokeAt > SPOKE_LOOKS * settings.lookMs) forget(id)
    },
    async leave() {
      introducing?.()
      answering?.()
      await say(DIRECTORY_TYPES.routerGone, {})
    },
  }
}
