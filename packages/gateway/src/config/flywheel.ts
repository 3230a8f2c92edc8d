/**
 * What hydra-router could be told, as a person may write it here. An existing `config.json` of it is read by
 * `router-config.ts`.
 *
 * @module
 */
import { z } from 'zod'
import { count, duration, flag, headerValue, secret, text } from './setting.ts'

const TOKEN = /^(?:|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/i
const EXTERNAL = /^https?:\/\/[^\s/?#@]+\/?$/i
/** They say where an answer ends, or which one it is: never the same for all. */
const NOT_FOR_ALL = new Set([
  ...['connection', 'content-length', 'keep-alive', 'proxy-connection', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade', 'x-hydra-tracer', 'x-request-id'],
])

const headerName = z
  .string()
  .max(128)
  .refine((name) => /^[\w!#$%&'*+.^`|~-]+$/.test(name), {
    params: { write: 'the name of a header, such as access-control-allow-origin' },
  })
  .refine((name) => !NOT_FOR_ALL.has(name.toLowerCase()), {
    params: { write: 'another header: this one can not be the same for every answer' },
  })

export const flywheel = z
  .strictObject({
    enabled: flag()
      .optional()
      .describe(
        'Serve `hydra` services that announce themselves in Redis, `/v1/router/*`, and messages on any path. Not set: on with a hydra-router configuration, otherwise off.',
      ),
    requestTimeout: duration()
      .prefault('5s')
      .describe('Until a service in Redis has to have begun its answer, all its instances together.'),
    routerToken: secret('a UUID such as 098ebe18-7e1b-4ddd-ae2a-cc6521e5b641, or nothing', 64, TOKEN)
      .prefault('')
      .describe('`?token=` that opens `/v1/router/*` and the router page. Empty: everybody may.'),
    disableRouterEndpoint: flag().prefault(false).describe('Answer 404 for `/v1/router/*`.'),
    cors: z
      .record(headerName, headerValue())
      .optional()
      .describe('Headers of every answer under these rules, and of those to OPTIONS.'),
    externalRoutes: z
      .record(
        z.string().refine((address) => EXTERNAL.test(address) && URL.canParse(address), {
          params: { write: 'an address such as https://api.example:8443' },
        }),
        z.array(text('a route such as [post]/api/v2/token/create', 2048)).max(10_000),
      )
      .prefault({})
      .describe('Routes to services elsewhere, by the address of each.'),
    address: text('an address such as 10.0.0.5, or a name', 255)
      .optional()
      .describe(
        'Where services in Redis reach this node, as its entry there says. Not set: `host`, otherwise the first address of this machine.',
      ),
    queuerDB: count(0, 65_535)
      .prefault(0)
      .describe('Database of Redis in which mail of clients that are away is kept.'),
    forceMessageSignature: flag()
      .prefault(false)
      .describe('Refuse messages over WebSockets that are not signed.'),
    signatureSharedSecret: secret('the secret messages are signed with', 4096)
      .optional()
      .describe('What messages are signed with.'),
    requireWebsocketAuth: flag()
      .prefault(false)
      .describe('Ask a service about everybody who opens a WebSocket.'),
    websocketAuthService: text('the name of a service', 128).optional().describe('That service.'),
    websocketAuthServiceAPI: text('a path such as /v1/auth', 2048)
      .optional()
      .describe('Where it is asked, with POST.'),
    maxSignatures: count(0, 10_000_000)
      .prefault(10_000)
      .describe(
        'Signatures that are remembered, about 150 bytes each, so that none counts twice; above, the oldest are forgotten. 0: a signed message is taken as often as it comes.',
      ),
    rememberSignatures: duration(1000).prefault('10m').describe('How long they are remembered.'),
    maxQueue: count()
      .prefault(100_000)
      .describe(
        'Most messages in the queue of a service in Redis; above, those to `/v1/router/queue` get 503.',
      ),
    maxUnknownQueues: count(0)
      .prefault(100)
      .describe(
        'Most queues of services this node does not know that it lets messages make until it is started again; above: 503. 0: none.',
      ),
    maxStreams: count(0)
      .prefault(1000)
      .describe(
        'Most streams it lets `/v1/router/stream` make, or write to, until it is started again; above, those that are not there: 503. 0: none.',
      ),
    maxStreamLength: count()
      .prefault(1_000_000)
      .describe(
        'Most messages in a stream in Redis; above, those to `/v1/router/stream` get 503 until somebody trims it.',
      ),
    maxServices: count()
      .prefault(5000)
      .describe('Most services in Redis that are looked at; the others are not served, which the log says.'),
    maxInstances: count().prefault(10_000).describe('Most instances of all of them.'),
    maxNodes: count()
      .prefault(20_000)
      .describe(
        'Most entries of `hydra:service:nodes` that are listed, those of instances that are gone among them.',
      ),
    maxRouters: count(0).prefault(200).describe('Most other routers that are kept in mind.'),
    debugLogging: flag().prefault(false).describe('Log each request and message under these rules.'),
  })
  .superRefine((given, context) => {
    const { forceMessageSignature, signatureSharedSecret, requireWebsocketAuth } = given
    const fault = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (forceMessageSignature && !signatureSharedSecret)
      fault('signatureSharedSecret', 'a secret, as signatures are asked for')
    if (!requireWebsocketAuth) return
    if (!given.websocketAuthService) fault('websocketAuthService', 'the service that is to be asked')
    if (!given.websocketAuthServiceAPI) fault('websocketAuthServiceAPI', 'the path it is asked at')
  })
  .describe('The successor of hydra-router: `hydra` services in Redis, and the router API.')
