/**
 * The words of UMF between gateways, services and clients: version, names of services that are none, kinds of
 * messages to a router. Those of sockets that resume are in `session.ts`.
 *
 * @module
 */

/** What messages say they are; any version is taken. */
export const UMF_VERSION = 'UMF/1.4.6'

/** Service name of the gateway itself, fixed in services that exist. */
export const ROUTER_SERVICE = 'hydra-router'

/** What stands in place of a service in the address of a client: `2945p8eigxz@client:/`. */
export const CLIENT_SERVICE = 'client'

/** `type` of a message that says none; never written. */
export const DEFAULT_TYPE = 'msg'

/** `type` of messages from and to a router. */
export const UMF_TYPES = {
  /** The first message on a socket: the client's id. */
  connection: 'connection',
  ping: 'ping',
  pong: 'pong',
  /** Into the router's log. */
  log: 'log',
  /** A client wants its former id and its mail: what the original understands… */
  reconnect: 'reconnect',
  /** … and what its documentation says. */
  reconnection: 'reconnection',
  /** Where a client is. */
  whereIs: 'wsdir.loc',
} as const

/** `type` of messages between routers, on the channels of `hydra-router`. */
export const DIRECTORY_TYPES = {
  /** A client came to a router. */
  add: 'wsdir.add',
  /** A client left it. */
  remove: 'wsdir.del',
  /** A router stops. */
  routerGone: 'wsdir.rem',
  /** A router has started and asks all others who is where. */
  share: 'wsdir.sha',
  /** The answer: all clients of one router. */
  directory: 'wsdir.dir',
} as const

/** `bdy.action` of the broadcast after which a service's routes are read again. */
export const REFRESH_ACTION = 'refresh'
