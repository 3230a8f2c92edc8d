/**
 * What a service says about itself, and what it gets in return.
 *
 * @module
 */
import type { Awakening, FragmentConflict, Login, Menus, Overview, SiteEvent } from '@hydra-gateway/protocol'
import type { RouteOption } from './exported.ts'
import type { PageOption, SessionsOption } from './fragments/binding.ts'
import type { FragmentDefinition, Identify } from './fragments/definition.ts'
import type { AccessOptions } from './identity/access.ts'
import type { DevUser } from './identity/dev-users.ts'
import type { Verified } from './identity/verified.ts'
import type { Log } from './log.ts'
import type { Link } from './menus/link.ts'
import type { Menu } from './menus/menu.ts'
import type { Site } from './menus/side.ts'
import type { MessageOption, Messages } from './messages/message.ts'
import type { NodeServer } from './server.ts'

/** A menu item; `path` and `endpoint` are two names for where it leads: a path of the site, with a query where it needs one. */
export type MenuItemOption = {
  readonly label: string
  /** Lower comes first; items without one come after, by label. */
  readonly order?: number
  /** Name of an icon, in `data-icon`; what it looks like is for the page to say. */
  readonly icon?: string
  /** Heading it stands under, beside the others that name it. */
  readonly group?: string
  /** Path of the item of the same menu it stands below, of this service or another one. */
  readonly parent?: string
  /** One of these is needed to see it, as roles are called in this service. What its route asks for is needed anyway. */
  readonly roles?: readonly string[]
  /** `show`: who is not signed in sees it although they have to sign in for it; its link takes them there first. @default hide */
  readonly signedOut?: 'hide' | 'show'
} & ({ readonly path: string } | { readonly endpoint: string })

/** Where WebSockets are accepted, and for whom; a text alone is a path for those the service is for. */
export type SocketOption = string | (AccessOptions & { readonly path: string })

export interface ServiceOptions extends AccessOptions {
  /** Name of the service; instances of one name share its visitors. */
  readonly name: string
  /**
   * URL of the gateway, or of several of its nodes, as a list or with commas: the service is at one of them, and when
   * that is lost at the next. @default HYDRA_GATEWAY, else http://localhost:8080
   */
  readonly gateway?: string | readonly string[]
  /** @default HYDRA_PUBLIC_KEY, else the nearest .hydra/keys.json upwards from the working directory */
  readonly publicKey?: string
  /** @default HYDRA_PRIVATE_KEY, else the nearest .hydra/keys.json upwards from the working directory */
  readonly privateKey?: string
  /** Address the gateway reaches this process at. @default found out: loopback, or the address towards the gateway */
  readonly host?: string
  /** How the gateway speaks to this process. @default https for a TLS server, else http */
  readonly protocol?: 'http' | 'https'
  /** Routes named by hand, beside those an adapter finds. */
  readonly routes?: readonly RouteOption[]
  /** Static files: a folder, or names below `/static/`. */
  readonly statics?: string | readonly string[]
  /** Paths at which WebSockets are accepted, as patterns. */
  readonly sockets?: readonly SocketOption[]
  /** Menu items by menu; an array is the menu `main`. */
  readonly menu?: readonly MenuItemOption[] | Readonly<Record<string, readonly MenuItemOption[]>>
  /** Fragments this service renders, for its own pages and for those of others; each made by `fragment`. */
  readonly fragments?: readonly FragmentDefinition[]
  /** Pages made of fragments, each made by `page`. A page with a fault is thrown before anything is started. */
  readonly pages?: readonly PageOption[]
  /**
   * Where pages keep what the services of their fragments remember of a visitor. The memory of this process is right
   * for a single instance, or with `affinity: true`; it holds 10 000 visitors for half an hour each.
   *
   * @default memory of this process
   */
  readonly sessions?: SessionsOption
  /** Says who a visitor's token belongs to, for `user` of fragments. @default as `verify` does */
  readonly identify?: Identify
  /**
   * How the service is told who calls: `cookie`, by the token all services share, in the cookie `HYDRA-SSO`; `header`,
   * by one for this service alone, in `Hydra-Token`, and no cookie; `none`.
   *
   * @default cookie
   */
  readonly login?: Login
  /** `own`: cookies of this service get a prefix in browsers, so that those of others never overwrite them. @default shared */
  readonly cookies?: 'shared' | 'own'
  /** Users that don't exist, by name, for development: see `docs/guides/protect-a-service.md`. An error in production. */
  readonly devUsers?: Readonly<Record<string, DevUser>>
  /**
   * Handlers of messages by type, as `onMessage` takes them: these are there before the first message comes.
   *
   * @example
   * messages: { 'order.paid': ({ body }) => ship(body.id), chat: { auth: 'required', handler: onChat } }
   */
  readonly messages?: Readonly<Record<string, MessageOption>>
  /** Messages that are dealt with at a time; above it they are refused. @default 64 */
  readonly maxMessages?: number
  /**
   * After so long, ms, a message that is still dealt with no longer counts among them, and the log says so: a handler that
   * never ends does not keep others out for ever. @default 300000
   */
  readonly messagePatienceMs?: number
  /** Fragments rendered at a time for others; above it requests are turned down. @default 256 */
  readonly maxRenders?: number
  /** Largest request for fragments of this service, bytes. @default 2 MiB */
  readonly maxRenderBytes?: number
  /** Shown when no instance is left: HTML, a path, or an http(s) URL. */
  readonly fallback?: string
  /** Share of visitors beside other versions. @default 10 */
  readonly weight?: number
  readonly version?: string | number
  /** How versions share visitors. @default NEWEST_VERSION_WINS */
  readonly awakening?: Awakening
  /** What visitors call the service. */
  readonly title?: string
  /** Rollout group: services of one group may share routes. */
  readonly group?: string
  /** Keep a visitor on one instance, for services with state in memory. @default false */
  readonly affinity?: boolean
  /** Patterns to offer although they would be left out. */
  readonly include?: readonly string[]
  /** Patterns to keep inside. */
  readonly exclude?: readonly string[]
  /**
   * What has to be done before visitors may come, such as compiled templates or a warm cache: the service is
   * registered once the app listens and this has resolved. A function is called once, when the app listens. When
   * it rejects the service is never registered: `ready` rejects, the event `error` says why, and the app decides
   * whether to go on without a gateway.
   */
  readonly when?: Promise<unknown> | (() => Promise<unknown>)
  /** Closes the service when aborted. */
  readonly signal?: AbortSignal
  /** Close on SIGTERM and SIGINT. @default true when the SDK knows the server */
  readonly signals?: boolean
  /** How long `close` waits for running requests, ms. @default 10000 */
  readonly graceMs?: number
  /** How long one attempt to connect may take, ms. @default 5000 */
  readonly timeoutMs?: number
  /** Where to write; false writes nothing. @default console */
  readonly log?: Log | false
}

/** The server of an app; `port` is its other name. */
export type ServerOption =
  | { readonly server: NodeServer; readonly port?: undefined }
  | { readonly server?: undefined; readonly port: NodeServer }

/** The port the service listens at, or its server: then `close` closes the server as well. */
export type ConnectOptions = ServiceOptions &
  (ServerOption | { readonly server?: undefined; readonly port: number | NodeServer })

/**
 * `waiting`: the app doesn't listen yet, or isn't ready (`when`); `connecting`: looking for the gateway, for
 * ever; `connected`: the gateway knows this instance; `closing`: finishing what was begun; `closed`: gone.
 */
export type ConnectionState = 'waiting' | 'connecting' | 'connected' | 'closing' | 'closed'

export interface Refused {
  readonly path: string
  readonly reason: string
}

export interface ServiceEvents {
  /** The line to the gateway is open; again for a new one, elsewhere, before the old one is closed. */
  connected: { readonly gateway: string }
  /** It is gone; the next attempt follows by itself. */
  disconnected: { readonly reason: string }
  /** The gateway has taken this instance, after each connect. */
  registered: { readonly instanceId: string; readonly refused: readonly Refused[] }
  /** Some routes are not served, each with its reason; everything else is. */
  refused: readonly Refused[]
  /** The services behind the gateway changed. */
  overview: Overview
  /**
   * A page and a fragment don't fit together, and one of them is ours; once for each. Those known at start are in the
   * log, and as long as they last in `overview.fragmentConflicts`.
   */
  conflict: FragmentConflict
  /**
   * Something happened to a service, an instance, its routes or a menu: see `docs/reference/events.md`. The gateway is
   * asked for events while somebody listens.
   */
  event: SiteEvent
  /** An attempt failed, and the next one follows by itself; or it never can be, and `ready` rejects as well. */
  error: Error
  /** `close` has begun: the time to end long-lived work of the app. */
  closing: undefined
  /** `close` is done. */
  closed: undefined
}

export interface Drained {
  /** Requests this process is still busy with, where the SDK knows its server. */
  readonly running: number | undefined
}

export interface HydraService extends Messages {
  readonly name: string
  /** 32 hex digits, new for each process. */
  readonly instanceId: string
  /** The one it is at, or tries; of several the one of this moment. */
  readonly gateway: string
  readonly state: ConnectionState
  /** What the gateway said last, kept while it is away; absent before the first time. */
  readonly overview: Overview | undefined
  /**
   * True while the gateway is away, and before it said anything: menus and links are as it said last, and every menu has
   * the same `isStale`.
   */
  readonly isStale: boolean
  /** Since when, epoch ms; absent while there is a line to the gateway. */
  readonly staleSince: number | undefined
  /** Menus of all services by name, with all items, whomever they are for: not for pages, whose visitors may not see all. */
  readonly menus: Menus
  /**
   * One menu, of all services; empty when there is none. Without a request it is what somebody sees who is not signed in;
   * with one, what its sender may see. Takes the same requests as `verify`.
   *
   * @default main
   */
  menu(name?: string): Menu
  menu(name: string, request: object): Promise<Menu>
  /**
   * What a link to a path of the site is now, as attributes: without `href` while its service is away, or when it is not
   * for the sender of the request. Without a request, for somebody who is not signed in.
   *
   * @example
   * `<a ${service.link('/cart')}>Cart</a>`
   */
  link(path: string): Link
  link(path: string, request: object): Promise<Link>
  /** Menus and links for the sender of a request, as they are in this moment: for templates, which can't wait. */
  siteFor(request: object): Promise<Site>
  /** True while some service serves the path, slowly or not, as far as the gateway has said. */
  isAvailable(path: string): boolean
  /**
   * Who sends a request, by the gateway's token in it; undefined for nobody, and for a token that does not hold. Takes
   * requests of Node, Express, Fastify and fetch, contexts of Hono, and headers alone. The token is all that counts: a
   * request that came around the gateway is verified in the same way.
   *
   * @throws Error with the code HYDRA_KEYS_UNKNOWN where the gateway has not said yet, for two seconds, which keys it
   * signs with; TypeError for something without headers
   */
  verify(request: object): Promise<Verified | undefined>
  /**
   * Resolves when the gateway has taken this instance for the first time; rejects when closed before, or when it
   * never can: a folder of statics that isn't there, a server on a socket file, `when` rejected.
   */
  readonly ready: Promise<void>
  /** Resolves when connected, at once or the next time; rejects when closed before. */
  connected(): Promise<void>
  /** Calls back at every event of that name. Returns the function that ends it. */
  on<Name extends keyof ServiceEvents>(name: Name, listener: (event: ServiceEvents[Name]) => void): () => void
  off<Name extends keyof ServiceEvents>(name: Name, listener: (event: ServiceEvents[Name]) => void): void
  /**
   * Takes the instance out of rotation for new visitors, until `resume` or the end of this process; requests that run
   * are finished. Resolves when the gateway has said so; while it is away, when it is back.
   */
  drain(options?: { readonly reason?: string }): Promise<Drained>
  /** Back into rotation after `drain`. Resolves when the gateway has said so. */
  resume(): Promise<void>
  /**
   * Leaves: takes the instance out of rotation, answers what was begun, then closes the server it was given.
   * Bounded by `graceMs`. Calling it again gives the same promise.
   *
   * `forget` says that the service is not coming back: with its last instance its addresses answer 404 at once
   * instead of 503.
   */
  close(options?: { readonly forget?: boolean }): Promise<void>
}
