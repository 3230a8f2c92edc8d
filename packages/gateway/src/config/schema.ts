/**
 * Every setting of the gateway: its name, what it means, what it is when nobody sets it.
 *
 * A setting has one name, in files and in code. Files may say `'5s'` or `'8MiB'`; code always sees
 * milliseconds and bytes. `docs/reference/config.md` is generated from here.
 *
 * @module
 */
import { MOST_CALL_BYTES, serviceName } from '@hydra-gateway/protocol'
import { z } from 'zod'
import { flywheel } from './flywheel.ts'
import { identity } from './identity.ts'
import { messages } from './messages.ts'
import { cluster, redis } from './redis.ts'
import { staticService } from './services.ts'
import {
  addresses,
  count,
  duration,
  flag,
  keyList,
  limitedSize,
  origin,
  origins,
  port,
  size,
  text,
  word,
  workers,
} from './setting.ts'
import { certificates } from './tls.ts'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

const keys = z
  .strictObject({
    publicKey: keyList('public')
      .optional()
      .describe(
        'Token in the path services register at. `new,old`: both are valid, the first is shown to people.',
      ),
    privateKey: keyList('private')
      .optional()
      .describe(
        'Shared secret of services and operators; cookies are signed with a key made from the first.',
      ),
  })
  .superRefine(({ publicKey, privateKey }, context) => {
    if (!publicKey === !privateKey) return
    const [path, variable] = publicKey
      ? ['privateKey', 'HYDRA_PRIVATE_KEY']
      : ['publicKey', 'HYDRA_PUBLIC_KEY']
    const message = `both keys, here or as ${variable}; or neither, and both are made up`
    context.addIssue({ code: 'custom', path: [path], message })
  })
  .describe('Both keys, or neither: then random ones are made, kept in `.hydra/keys.json` and reused.')

const registration = z
  .strictObject({
    from: addresses()
      .optional()
      .describe(
        'Who may register a service. Not set: this machine and private networks, or this machine only while the keys are made up.',
      ),
    requirePrivateKey: flag()
      .prefault(false)
      .describe(
        'Ask for the private key when a service registers over HTTP. Medusa applications do not send it.',
      ),
    maxBytes: size(1024).prefault('8MiB').describe('Largest registration.'),
    maxRoutes: count()
      .prefault(20_000)
      .describe(
        'Most routes of one registration, optional parts and very long paths counted as several. One with more is refused as a whole.',
      ),
    maxInstances: count().prefault(5000).describe('Most instances of all services together.'),
  })
  .describe('What services may register.')

const upstreams = z
  .strictObject({
    allow: addresses()
      .prefault(['loopback', 'private'])
      .describe(
        'Addresses a service may register. Link-local and cloud metadata addresses are refused whatever stands here; `services` of this file are not bound by it.',
      ),
  })
  .describe('Where requests may be sent.')

const lease = z
  .strictObject({
    ttl: duration(50).prefault('5s').describe('Silence after which an instance is gone.'),
    check: duration(10).prefault('250ms').describe('How often leases are checked.'),
    resume: duration(0)
      .prefault('5s')
      .describe('How long an instance whose channel closed is expected back.'),
  })
  .superRefine(({ ttl, check }, context) => {
    if (check > ttl)
      context.addIssue({ code: 'custom', path: ['check'], message: `less than ttl, which is ${ttl} ms` })
  })
  .describe('How long an instance is believed to be alive.')

const http = z
  .strictObject({
    maxHeadBytes: size(1024)
      .prefault('16KiB')
      .describe('Largest request head; above: 431. Heads of answers may always have 64 KiB.'),
    maxHeaderLines: count(8, 10_000)
      .prefault(100)
      .describe('Most header lines of a request; above: 431. Answers may always have 1000.'),
    maxTargetBytes: size(256).prefault('8KiB').describe('Longest path with query; above: 414.'),
    maxBodyBytes: size(0).optional().describe('Largest request body; above: 413. Not set: unlimited.'),
    connectTimeout: duration().prefault('1s').describe('Until an instance took the connection.'),
    headTimeout: duration()
      .prefault('30s')
      .describe(
        'Until the answer of a service begins, or a connection to it is free; `timeoutMs` of a route wins.',
      ),
    idleTimeout: duration()
      .prefault('60s')
      .describe('Longest pause inside a body. Event streams and WebSockets have none.'),
    clientHeadTimeout: duration().prefault('10s').describe('Until a visitor has sent a request head.'),
    minBodyRate: size(0)
      .prefault(240)
      .describe(
        'Slowest a visitor may send a request body, bytes per second over five seconds; slower: 408. 0 for no limit.',
      ),
    serverTiming: flag().prefault(true).describe('Say in `Server-Timing` how long gateway and service took.'),
    keepAlive: duration()
      .prefault('75s')
      .describe(
        'How long an idle connection of a visitor stays open. Medusa applications need more than 3s.',
      ),
    upstreamKeepAlive: duration(0)
      .prefault('4s')
      .describe('How long an idle connection to an instance is kept for the next request. 0 keeps none.'),
    maxConnectionsPerInstance: count(1, 65_535).prefault(256).describe('Most connections to one instance.'),
    maxQueuedPerInstance: count(0, 1_000_000)
      .prefault(256)
      .describe('Most requests that wait for a connection to one instance; above: 503.'),
    maxAttempts: count(1, 10).prefault(3).describe('How many instances a request is tried at.'),
    maxPasses: count(2, 1000)
      .prefault(10)
      .describe(
        'How often a request may pass this cluster, as services that are proxies themselves ask the gateway again; above: 508.',
      ),
    allowedOrigins: origins().prefault([]).describe('Origins that may open WebSockets beside our own.'),
    stopDelay: duration(0)
      .prefault('0s')
      .describe(
        'How long a stop only fails `/_hydra/ready` and still takes everything, for a load balancer that has to notice first.',
      ),
    stopGrace: duration(0)
      .prefault('30s')
      .describe('How long running requests may take to finish at a stop.'),
    stopIdle: duration(0)
      .prefault('1s')
      .describe(
        'How long connections on which nothing runs are kept at a stop: what is asked on one until then is answered, as the last.',
      ),
  })
  .describe('Limits and patience of the data plane.')

const http2 = z
  .strictObject({
    maxStreams: count(1, 100_000)
      .prefault(100)
      .describe('Most requests of one connection at once; what is above has to be asked for again.'),
    streamWindow: size(16_384)
      .prefault('256KiB')
      .describe(
        'Most bytes of one request body that wait here unread. Divided by the round trip it is the fastest an upload can be; times `maxStreams` it is what one connection can make the gateway hold.',
      ),
    connectionWindow: size(65_535)
      .prefault('1MiB')
      .describe('Most bytes of all request bodies of a connection that may be on their way.'),
    resetBurst: count(1)
      .prefault(200)
      .describe(
        'How many requests a connection may ask for and break off in one go. Above: the connection is ended (“rapid reset”).',
      ),
    resetRate: count(1).prefault(50).describe('How many more of these it may break off each second.'),
    controlBurst: count(1)
      .prefault(200)
      .describe('How many SETTINGS and PING frames it may send in one go. Above: the connection is ended.'),
    controlRate: count(1).prefault(50).describe('How many more of these it may send each second.'),
    maxInvalidFrames: count(1)
      .prefault(100)
      .describe('How many frames may break the protocol before the connection is ended.'),
  })
  .describe('Limits of connections that speak HTTP/2, which they do where there is TLS.')

const routing = z
  .strictObject({
    balance: word('p2c', 'round-robin')
      .prefault('p2c')
      .describe('How an instance is chosen: the less busy of two random ones, or one after the other.'),
  })
  .describe('Which instance serves.')

const fragments = z
  .strictObject({
    pageBudget: duration()
      .prefault('3s')
      .describe('How long the fragments of a page may take together; waves share it.'),
    medusaBudget: duration()
      .prefault('1700ms')
      .describe('The same for pages of Medusa applications, which wait 2s and then show placeholders.'),
    medusaBatch: duration()
      .prefault('1100ms')
      .describe(
        'Part of `medusaBudget` a Medusa application has for several fragments at once. What is left is for asking again one by one when it refused. Of longer budgets it has the same share.',
      ),
    maxBytes: limitedSize(1024, 4 * 2 ** 20)
      .prefault('1MiB')
      .describe('Largest HTML of one fragment; above: its fallback.'),
    maxCallsPerInstance: count(1, 10_000)
      .prefault(32)
      .describe(
        'Most fragments one page asks for one by one from an instance at a time, over HTTP; the others wait their turn.',
      ),
    maxPerPage: count(1, 100_000)
      .prefault(1000)
      .describe(
        'Most fragments of one page, those inside of others included; those above show their fallbacks.',
      ),
    maxPageBytes: size(1024)
      .prefault('16MiB')
      .describe(
        'Most HTML and exports of all fragments of a page, and most that they are given as imports; those that come after it is reached show theirs.',
      ),
    maxCallBytes: limitedSize(1024, MOST_CALL_BYTES)
      .prefault('1MiB')
      .describe('Largest request for fragments a page may send, attributes and all.'),
    maxAnswerBytes: size(1024)
      .prefault('256KiB')
      .describe(
        'Largest answer a Medusa application can read; above, the largest fragments show their fallbacks.',
      ),
    readAhead: size(0)
      .prefault('256KiB')
      .describe(
        'Part of a composed page that is read before any of it has to wait, so that its fragments start together.',
      ),
    maxFallbackBytes: size(0)
      .prefault('64KiB')
      .describe('Largest fallback of a tag in a composed page; above, it is shown without being held.'),
    maxHeldBytes: size(1024)
      .prefault('1MiB')
      .describe('Most bytes of a composed page that wait behind a fragment; above, the service waits.'),
    xray: flag()
      .prefault(false)
      .describe(
        'Show the X-ray of composed pages to everybody: for development. Otherwise only with the cookie `hydra xray` makes.',
      ),
  })
  .superRefine(({ medusaBudget, medusaBatch }, context) => {
    if (medusaBatch > medusaBudget)
      context.addIssue({
        code: 'custom',
        path: ['medusaBatch'],
        message: `at most medusaBudget, which is ${medusaBudget} ms`,
      })
  })
  .describe('Pieces of HTML that services render for pages of others.')

const menus = z
  .strictObject({
    maxItems: count(1, 10_000)
      .prefault(500)
      .describe('Most items of one menu; those that would come after it are left out and reported.'),
  })
  .describe('Menus of all services.')

const live = z
  .strictObject({
    maxStreams: count(0, 1_000_000)
      .prefault(20_000)
      .describe(
        'Most open pages that are told of changes at a time; others get 503 and ask again later. 0: none.',
      ),
    maxStreamsPerClient: count(1, 1_000_000)
      .prefault(500)
      .describe('Most of them of one address; of IPv6, of one /64.'),
    maxWishes: count(1, 10_000)
      .prefault(300)
      .describe('Most menus, links and fragments one page asks about; those above are not answered.'),
    pushEvery: duration(10)
      .prefault('100ms')
      .describe('Least time between two changes one page is told; what happens in between goes out as one.'),
    heartbeat: duration(1000)
      .prefault('25s')
      .describe('How often a page is sent something when nothing changes, so that both ends know.'),
    maxBehind: duration(1000)
      .prefault('30s')
      .describe('How long a page that takes nothing keeps its stream.'),
    replaceWithin: duration(0)
      .prefault('3s')
      .describe('Time over which open pages fetch a fragment again that has come back.'),
  })
  .describe('Pages that follow the services while they are open (`/_hydra/live`).')

const health = z
  .strictObject({
    window: duration(1000)
      .prefault('10s')
      .describe('What counts for whether a service is degraded: its answers of so long.'),
    leastAnswers: count(1, 1_000_000)
      .prefault(20)
      .describe('With fewer answers than this in the window a service is not judged.'),
    failures: count(1, 100)
      .prefault(10)
      .describe(
        'Share of failed or slow answers, in percent, from which a service is degraded. It recovers at half of it.',
      ),
    slow: duration(1).prefault('5s').describe('An answer whose head takes longer is slow.'),
  })
  .describe('When a service that serves is called degraded.')

const events = z
  .strictObject({
    kept: count(1, 1_000_000)
      .prefault(1000)
      .describe('Site events that are kept for readers who come later, or again.'),
    maxReaders: count(1, 10_000)
      .prefault(100)
      .describe('Most readers of the event stream of the admin API at a time.'),
  })
  .describe('What happened to services, routes and menus (`hydra watch`).')

export const configSchema = z.strictObject({
  port: port().prefault(8080).describe('Public port for HTTP and WebSockets; 0 takes any free one.'),
  host: text('an address such as 127.0.0.1, or a host name', 255)
    .optional()
    .describe('Address to listen on. Not set: all of them, IPv6 and IPv4.'),
  tls: certificates()
    .optional()
    .describe(
      'Certificates of the public port, which then speaks TLS only, with HTTP/2 and HTTP/1.1. Several are told apart by the names they are for; the first is shown to all others. `self-signed` makes one for development. Files that change are taken without a restart.',
    ),
  publicUrl: origin()
    .optional()
    .describe('How browsers reach the gateway: for Origin checks and the `Secure` of cookies.'),
  trustedProxies: addresses()
    .prefault([])
    .describe('Proxies whose `X-Forwarded-*`, `Forwarded` and `X-Request-Id` are believed.'),
  logLevel: word(...LOG_LEVELS)
    .prefault('info')
    .describe('Least important log line that is written.'),
  siteTitle: text('the name of your product', 128)
    .prefault('Hydra gateway')
    .describe('Name of the product on pages of the gateway.'),
  keys: keys.prefault({}),
  registration: registration.prefault({}),
  upstreams: upstreams.prefault({}),
  lease: lease.prefault({}),
  forgetAfter: duration()
    .prefault('24h')
    .describe('How long a service without instances is remembered: 503 and its fallback instead of 404.'),
  takeoverAfter: duration(0)
    .prefault('30s')
    .describe('How long a service is down before another one may have the routes both claim.'),
  rsocketPort: port()
    .optional()
    .describe('Port for RSocket over TCP. Not set: RSocket over WebSocket at `/h/rsocket` only.'),
  controlPort: port()
    .optional()
    .describe('Serve registration, admin API and metrics on this port instead of the public one.'),
  redis: redis.prefault({}),
  cluster: cluster.prefault({}),
  workers: workers()
    .prefault(1)
    .describe(
      'Processes that serve requests: 1 is this process alone, `auto` as many as the machine has cores.',
    ),
  http: http.prefault({}),
  http2: http2.prefault({}),
  routing: routing.prefault({}),
  fragments: fragments.prefault({}),
  menus: menus.prefault({}),
  live: live.prefault({}),
  health: health.prefault({}),
  events: events.prefault({}),
  identity: identity.prefault({}),
  messages: messages.prefault({}),
  flywheel: flywheel.prefault({}),
  services: z
    .record(serviceName, staticService)
    .prefault({})
    .describe('Services that do not register themselves, by name.'),
})

/** What a file may say: everything optional, durations and sizes as text too. */
export type ConfigInput = z.input<typeof configSchema>
