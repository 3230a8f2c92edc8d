/**
 * The SDK for services: `connect`, and what it gives back. Adapters for frameworks are subpaths
 * (`@hydra-gateway/sdk/express`, `/fastify`, `/hono`, `/node`).
 *
 * @module
 */

export { FragmentError } from '@hydra-gateway/protocol/fragments'
export { connect } from './connect.ts'
export { type Connection, ConnectionError, type ConnectionErrorKind, openConnection } from './connection.ts'
export type { RouteOption } from './exported.ts'
export type { PageOption, SessionsOption, VisitorSessions } from './fragments/binding.ts'
export type {
  FragmentDefinition,
  FragmentHandler,
  FragmentInput,
  FragmentOptions,
  FragmentOutput,
  FragmentUser,
  Identify,
} from './fragments/definition.ts'
export { FragmentFailure } from './fragments/failure.ts'
export { fragment } from './fragments/fragment.ts'
export {
  type DynamicPage,
  type Page,
  type PageAttributes,
  type PageOptions,
  type PageSource,
  page,
  type RenderOptions,
} from './fragments/page.ts'
export { FragmentRequiredError } from './fragments/page-error.ts'
export { fragmentDoor } from './fragments/public-door.ts'
export type { Rendering } from './fragments/rendering.ts'
export type { AccessOptions } from './identity/access.ts'
export type { DevUser } from './identity/dev-users.ts'
export { type GuardOptions, type ServiceSource, userOf } from './identity/guard.ts'
export { KeysUnknownError } from './identity/key-set.ts'
export type { User, Verified } from './identity/verified.ts'
export type { Log } from './log.ts'
export type { Link } from './menus/link.ts'
export type { Menu, MenuLink } from './menus/menu.ts'
export type { Site } from './menus/side.ts'
export type {
  CalledOverHttp,
  HttpAddress,
  Message,
  MessageContext,
  MessageHandler,
  MessageOption,
  MessageOptions,
  MessageSender,
  Messages,
  PushedToMany,
  SendOptions,
  SentMessage,
  ServiceInstance,
} from './messages/message.ts'
export { MessageError, type MessageFault } from './messages/message-error.ts'
export type {
  ConnectionState,
  ConnectOptions,
  Drained,
  HydraService,
  MenuItemOption,
  Refused,
  ServerOption,
  ServiceEvents,
  ServiceOptions,
  SocketOption,
} from './options.ts'
export type { NodeServer } from './server.ts'
