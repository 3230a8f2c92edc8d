/**
 * Registration: what a service tells the gateway when it starts, and what it is answered.
 *
 * The first twelve fields are the bean Medusa's clients post (`docs/reference/protocols/medusa.md`); the rest
 * is ours and optional, so the same schema serves a Java application, our SDK and a line of curl. Unknown
 * fields are ignored, as Medusa's own gateway does.
 *
 * @module
 */
import { z } from 'zod'
import { fragmentAssets } from './fragment.ts'
import { MOST_REF_LENGTH, MOST_SERVICE_LENGTH } from './fragment-limits.ts'
import { AUTHS, LOGINS } from './identity.ts'
import { menuItems } from './menu.ts'
import { serviceName } from './name.ts'
import { required } from './required.ts'

/** Medusa sends `null` for what it doesn't know; to us that is the same as absent. */
function orDefault<T extends z.ZodType>(schema: T, value: () => z.output<T>) {
  return z.preprocess((given) => given ?? undefined, schema.optional()).transform((given) => given ?? value())
}

/** How instances of different versions share visitors (`medusa.md` 2.5). */
export const AWAKENINGS = ['NEWEST_VERSION_WINS', 'EQUAL_SHARE'] as const
export type Awakening = (typeof AWAKENINGS)[number]

/** Pattern languages a service may write its paths in. `hydra` is our own form; `route-parser` that of hydra services in Redis. */
export const DIALECTS = ['hydra', 'spring', 'express', 'urlpattern', 'route-parser'] as const
export type Dialect = (typeof DIALECTS)[number]

function names(what: string) {
  return orDefault(z.array(z.string().max(256)).max(256, `too many ${what}`), () => [])
}

const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/

/** Whom a route, a fragment or a whole service is for. */
const access = {
  auth: z
    .enum(AUTHS)
    .optional()
    .describe(
      'required: only for who is signed in. optional: for everybody, and who is signed in is told. optional when absent; required with `roles` or `providers`.',
    ),
  roles: z
    .array(z.string().min(1).max(256))
    .min(1)
    .max(64)
    .optional()
    .describe('One of these roles is needed, as they are called in this service.'),
  providers: z
    .array(z.string().min(1).max(64))
    .min(1)
    .max(64)
    .optional()
    .describe('One of these providers must know the person; `local` is user name and password.'),
}

export const routeDeclaration = z.object({
  path: z
    .string(required('path'))
    .min(1)
    .max(2048)
    .describe('Path or pattern, in the dialect named beside it.'),
  dialect: z.enum(DIALECTS).default('hydra').describe('Language of `path`.'),
  methods: z
    .array(
      z
        .string()
        .regex(METHOD, 'not an HTTP method')
        .transform((method) => method.toUpperCase()),
    )
    .max(32)
    .optional()
    .describe('Methods the route serves; all when absent. A route with GET serves HEAD as well.'),
  host: z.string().min(1).max(255).optional().describe('Serve this route for one host name only.'),
  to: z
    .string()
    .startsWith('/')
    .max(2048)
    .optional()
    .describe('Path to ask the service for instead of the one that was requested.'),
  fallback: z
    .string()
    .max(65_536)
    .optional()
    .describe('Shown when nobody serves the route: HTML, a path, or an http(s) URL.'),
  maxBodyBytes: z.int().min(0).optional().describe('Largest request body in bytes; a larger one gets 413.'),
  timeoutMs: z
    .int()
    .min(1)
    .optional()
    .describe('How long the service may take until its answer begins, in ms.'),
  encodedSlash: z.enum(['refuse', 'keep']).optional().describe('What happens to a path with %2F in it.'),
  socket: z
    .boolean()
    .optional()
    .describe('WebSockets are taken here, and nothing else: an entry of `sockets` with more to say.'),
  ...access,
  compose: z
    .boolean()
    .optional()
    .describe('The gateway puts fragments into HTML answers of this route, whatever their headers say.'),
  hold: z
    .boolean()
    .optional()
    .describe(
      'A composed page waits for its `required` fragments before its status is sent; implies `compose`.',
    ),
  composedCache: z
    .enum(['private', 'keep'])
    .optional()
    .describe(
      'What a composed page says about caches: that it is `private`, or what the service said: `keep` is for pages and fragments that are the same for everybody. `private` when absent.',
    ),
})
export type RouteDeclaration = z.output<typeof routeDeclaration>

/** Fragments one registration may declare, and tags of its pages. */
export const MOST_REFS = 2000
export const MOST_USES = 10_000

/** A fragment a service renders for pages of others. */
export const refDeclaration = z.object({
  ref: z.string().min(1).max(MOST_REF_LENGTH).describe('Name the fragment is asked for by.'),
  attributes: names('attributes').describe(
    'Attributes it sets by itself: no page may import anything under these names.',
  ),
  imports: names('imports').optional().describe('What it takes from a page; anything when absent.'),
  assets: fragmentAssets.optional().describe('Scripts and styles every page with it needs.'),
  ...access,
})
export type RefDeclaration = z.output<typeof refDeclaration>

/** A tag in a page of a service: who it asks for what. Only what is known before a page is rendered. */
export const useDeclaration = z.object({
  place: z.string().max(512).describe('Where the tag stands, for people: `product.html:12:5`.'),
  service: z.string().min(1).max(MOST_SERVICE_LENGTH),
  ref: z.string().min(1).max(MOST_REF_LENGTH),
  imports: names('imports').describe('Names the fragment gets them by.'),
  exports: names('exports').describe('Names the fragment has them by.'),
})
export type UseDeclaration = z.output<typeof useDeclaration>

/** Who may send messages of a type. */
export const MESSAGE_SENDERS = ['all', 'clients', 'services'] as const
export type MessageSenders = (typeof MESSAGE_SENDERS)[number]

/** Types of messages one registration may declare. */
export const MOST_MESSAGE_TYPES = 500
/** Longest name of one. */
export const MOST_MESSAGE_TYPE_LENGTH = 128

/** Messages of one type, which an instance takes over its line. */
export const messageDeclaration = z.object({
  type: z
    .string(required('type'))
    .min(1)
    .max(MOST_MESSAGE_TYPE_LENGTH)
    .describe('`typ` of the messages; `*` for all that no other entry names.'),
  from: z
    .enum(MESSAGE_SENDERS)
    .optional()
    .describe('clients: browsers and other sockets. services: those with keys. all when absent.'),
  schema: z
    .union([z.record(z.string(), z.unknown()), z.boolean()])
    .optional()
    .describe('JSON Schema of the body; what does not fit is refused before it gets here.'),
  ...access,
})
export type MessageDeclaration = z.output<typeof messageDeclaration>

export const registration = z.object({
  webProtocol: orDefault(z.enum(['http', 'https']), () => 'http' as const).describe(
    'How the gateway speaks to the instance.',
  ),
  host: z
    .string(required('host'))
    .min(1, 'host is missing')
    .max(255)
    .describe('Address or name the gateway reaches the instance at.'),
  port: z
    .int(required('port'))
    .min(1, 'port must be 1 to 65535')
    .max(65_535, 'port must be 1 to 65535')
    .describe('Port of the instance.'),
  socketPort: orDefault(z.int().min(0).max(65_535), () => 0).describe('Reserved; Medusa sends 0.'),
  name: serviceName,
  version: orDefault(z.union([z.number().min(0), z.string().max(64)]), () => 0).describe(
    'Version of the service: a number, or text such as 2.4.0.',
  ),
  activeSince: orDefault(z.number().min(0), () => 0).describe(
    'When the instance started, epoch milliseconds.',
  ),
  awakening: orDefault(z.enum(AWAKENINGS).nullable(), () => null).describe(
    'How versions share visitors; NEWEST_VERSION_WINS when null.',
  ),
  endpoints: orDefault(z.array(z.string().max(2048)), () => []).describe(
    'Page paths in Spring PathPattern syntax.',
  ),
  sockets: orDefault(z.array(z.string().max(2048)), () => []).describe(
    'Paths at which the instance accepts WebSocket upgrades, Spring PathPattern syntax.',
  ),
  staticResources: orDefault(z.array(z.string().max(4096)), () => []).describe(
    'Static files, opaque names relative to /static/.',
  ),
  menuItems: orDefault(menuItems, () => ({})).describe('Menu items by menu name.'),

  protocol: z.literal(1).optional().describe('Version of our additions; SDKs send 1.'),
  instanceId: z
    .string()
    .regex(/^[0-9a-f]{32}$/, 'instanceId must be 32 lower-case hex digits')
    .optional()
    .describe('Stable id of the running process; derived from its address when absent.'),
  routes: orDefault(z.array(routeDeclaration), () => []).describe(
    'Routes beyond `endpoints`: any dialect, methods, host.',
  ),
  weight: orDefault(z.number().min(0).max(1_000_000), () => 10).describe(
    'Share of visitors beside the other instances; 10 is normal, 0 takes none while others have a share.',
  ),
  group: z
    .string()
    .min(1)
    .max(128)
    .nullish()
    .describe('Rollout group: services of one group may share routes.'),
  title: z.string().max(128).nullish().describe('What visitors call this service, such as Orders.'),
  fallback: z
    .string()
    .max(65_536)
    .nullish()
    .describe('Shown when no instance is left: HTML, a path, or an http(s) URL.'),
  refs: orDefault(z.array(refDeclaration).max(MOST_REFS), () => []).describe(
    'Fragments it renders for others.',
  ),
  uses: orDefault(z.array(useDeclaration).max(MOST_USES), () => []).describe(
    'Fragments of others its pages ask for, so that a conflict is found before a visitor does.',
  ),
  messages: z
    .array(messageDeclaration)
    .max(MOST_MESSAGE_TYPES)
    .nullish()
    .describe(
      'Messages it takes over its line, by type; may be empty. Absent: it takes none, no answers either.',
    ),
  asksFragments: z
    .boolean()
    .nullish()
    .describe(
      'Its pages may ask for fragments `uses` can’t name: it is told whom a page is for. True with `uses` anyway.',
    ),
  affinity: z
    .boolean()
    .nullish()
    .describe('Keep a visitor on one instance; Medusa applications need it and get it.'),
  auth: access.auth.describe('For all routes and fragments that say nothing themselves.'),
  roles: access.roles.describe('The same.'),
  providers: access.providers.describe('The same.'),
  login: z
    .enum(LOGINS)
    .optional()
    .describe(
      'How it is told who calls: `cookie`, the token all services share, in `HYDRA-SSO`; `header`, one of its own in `Hydra-Token`, and no cookie; `none`. cookie when absent.',
    ),
  cookies: z
    .enum(['shared', 'own'])
    .optional()
    .describe(
      'own: names of its cookies get a prefix in the browser, so that applications on one origin don’t overwrite each other’s. shared when absent.',
    ),
})
/** A registration after parsing: defaults filled in, every list present. */
export type Registration = z.output<typeof registration>
/** A registration as a client may write it. */
export type RegistrationInput = z.input<typeof registration>

/** One of our services in an answer or overview; the bean it registered, without its static files. */
export const activeService = z.object({
  serviceName: z.string(),
  activeServices: z.array(z.looseObject({ host: z.string(), port: z.number(), name: z.string() })),
})

export const registrationResponse = z.object({
  publicKey: z
    .string()
    .nullable()
    .describe('Base64 SPKI of the RSA key that signs tokens; null until identity is configured.'),
  services: z.array(activeService).describe('Active services, the caller included, static files left out.'),
  roleMappings: z
    .record(z.string(), z.string())
    .describe('Role at the gateway to role in this service; never null.'),
  hash: z.string().optional().describe('Hash of the routes this answer reflects.'),
  refused: z
    .array(z.object({ path: z.string(), reason: z.string() }))
    .optional()
    .describe(
      'What is not served, each with its reason; everything else is. A path; `fragment checkout` for a fragment that is not asked for; `the tag at product.html:12:5 for orders#checkout` for one that shows its fallback.',
    ),
  warnings: z
    .array(z.string())
    .optional()
    .describe('What of the registration can hardly be meant, in sentences; it is served as it was said.'),
})
export type RegistrationResponse = z.output<typeof registrationResponse>
