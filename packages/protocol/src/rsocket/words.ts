/**
 * The words of the channel between a service and the gateway: routes, times, media types, error codes.
 *
 * @module
 */

/** Routes a peer may ask for (`medusa.md` 7.3). */
export const ROUTES = {
  /** In SETUP only: says which protocol the channel speaks. */
  setup: 'hydra.setup.v1',
  registration: 'hydra.registration',
  /** What SETUP came to: the answer to its registration, without the list of services, which is in the overview. */
  registered: 'hydra.registered',
  overview: 'hydra.overview',
  alive: 'hydra.alive',
  /** Stream of site events, from `after` on. */
  events: 'hydra.events',
  deregister: 'hydra.deregister',
  /** Out of rotation: the instance finishes what was begun. */
  drain: 'hydra.drain',
  /** Back into it. */
  resume: 'hydra.resume',
  keys: 'hydra.keys',
  ping: 'hydra.ping',
  /** A page asks the gateway; one answer, or a stream with each fragment as it is there. */
  fragments: 'hydra.fragments.request',
  /** The gateway stops and asks a service to open a line elsewhere; answered once it has, or could not. */
  move: 'hydra.move',
  /** A message: to the gateway, which answers what became of it; and from it, answered once the service has it. */
  message: 'hydra.message',
  /** A service has one message for many clients. */
  push: 'hydra.push',
  /** Who serves under a name. */
  find: 'hydra.find',
  /** The gateway asks a service; one answer, or a stream. */
  render: 'hydra.fragments.render',
} as const

/** Clients one `hydra.push` may be for. */
export const MOST_PUSHED = 10_000
/** Form of their ids there. */
export const PUSHED_ID = /^[0-9a-z]{1,64}$/
/** A push counts as one message for each so many of its clients. */
export const PUSHED_AS_ONE = 256

/** Where the gateway takes RSocket over WebSocket. */
export const RSOCKET_PATH = '/h/rsocket'

/** A client sends a KEEPALIVE frame this often, and the gateway accepts no slower pace. */
export const KEEP_ALIVE_MS = 3000
/** A link on which nothing was heard for this long is dead, to both ends. */
export const LIFETIME_MS = 5000
/** How often a service says that its application, not only its link, is alive. */
export const ALIVE_MS = 3000
/** How long the gateway waits for the first frame of a new connection. */
export const SETUP_TIMEOUT_MS = 5000

export const JSON_MIME = 'application/json'
export const COMPOSITE_MIME = 'message/x.rsocket.composite-metadata.v0'
export const ROUTING_MIME = 'message/x.rsocket.routing.v0'
export const AUTHENTICATION_MIME = 'message/x.rsocket.authentication.v0'

/** Error codes of RSocket 1.0, those we send or tell apart. */
export const ERROR_CODES = {
  INVALID_SETUP: 0x001,
  UNSUPPORTED_SETUP: 0x002,
  REJECTED_SETUP: 0x003,
  REJECTED_RESUME: 0x004,
  CONNECTION_ERROR: 0x101,
  CONNECTION_CLOSE: 0x102,
  APPLICATION_ERROR: 0x201,
  REJECTED: 0x202,
  CANCELED: 0x203,
  INVALID: 0x204,
} as const

/** Largest frame RSocket can carry over TCP: its length has 24 bits. */
export const MAX_FRAME_BYTES = 0xff_ffff
