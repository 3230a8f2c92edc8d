/**
 * What a service and its pages know of each other: the seam between the side that renders fragments and the side
 * that makes pages of them. Types only.
 *
 * @module
 */
import type { FragmentsRequest, Overview, UseDeclaration } from '@hydra-gateway/protocol'
import type { Source, StreamReceiver } from '@hydra-gateway/protocol/rsocket'
import type { Log } from '../log.ts'
import type { PageSite } from '../menus/port.ts'
import type { LocalFragments } from './definition.ts'
import type { ReadToken } from './page-request.ts'

/**
 * Asks the gateway for fragments of others, as one stream. Each item is a `ResolvedFragments` with what is new;
 * items come for as long as there is demand. `cancel` of the source says that nobody waits any more.
 */
export type AskGateway = (request: FragmentsRequest, receiver: StreamReceiver) => Source

/** The service a page belongs to. */
export interface PageBinding {
  /** Name of the service. */
  readonly service: string
  /** Its own fragments: these never leave the process. */
  readonly fragments: LocalFragments
  /** The gateway, for as long as there is a line to it; undefined while there is none. Ask anew for each page. */
  readonly ask: () => AskGateway | undefined
  /** What the gateway said last of all services; absent or undefined before it said anything. */
  readonly overview?: () => Overview | undefined
  readonly log: Log
  /** The option `sessions` of the service. */
  readonly sessions: SessionsOption | undefined
  /** Options of the service: its version, 0 where none is given; whether visitors stay on one instance. */
  readonly version?: string | number
  readonly affinity?: boolean
  /** The visitor's token in a request. @default that of the login cookie */
  readonly readToken?: ReadToken
  /** Menus, links and marks of live fragments; absent for a page no service has. */
  readonly site?: PageSite | undefined
}

/** What services keep of one visitor, by service: JSON, each up to 16 KB. */
export type VisitorSessions = Readonly<Record<string, unknown>>

/** Where pages keep what the services of their fragments remember of a visitor, such as the session of the app. */
export interface SessionsOption {
  /** What is kept for the visitor the request is from; `request` is what `render` was given. */
  load(request: unknown): VisitorSessions | undefined | Promise<VisitorSessions | undefined>
  /** Keeps it: all services, those that changed and those that didn't. */
  save(request: unknown, sessions: VisitorSessions): void | Promise<void>
}

/** A page, as the service sees it. */
export interface PageOption {
  /**
   * Compiles and checks it. `number`: from 1, among the pages of its service, for those without a name.
   *
   * @throws FragmentError or TypeError: the service is not started then
   */
  compile(binding: PageBinding, number?: number): void
  /** Called once, after all pages of the service compiled: it may be rendered from now on. */
  bind(binding: PageBinding): void
  /** The fragments it asks for, those of its own service by that one's name; called after `compile`. */
  uses(): readonly UseDeclaration[]
}
