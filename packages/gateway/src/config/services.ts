/**
 * Services of the configuration file: for what can't register itself.
 *
 * @module
 */
import {
  DIALECTS,
  type Dialect,
  menuItem,
  menusOf,
  PatternError,
  refDeclaration,
  registration,
  routeDeclaration,
  translate,
} from '@hydra-gateway/protocol'
import { z } from 'zod'
import { accessFault } from '../routing/access.ts'
import { fallbackProblem } from '../routing/fallback.ts'
import { isLoginPattern, isReservedPattern } from '../routing/reserved.ts'
import { count, flag, readOrigin, setting, text } from './setting.ts'

type RouteInput = z.input<typeof routeDeclaration>
type RefInput = z.input<typeof refDeclaration>

/** Where an instance is reached: what its URL says. */
export interface StaticAddress {
  readonly protocol: 'http' | 'https'
  /** A name or an IP address, without the brackets of an IPv6 one. */
  readonly host: string
  readonly port: number
}

const WRITE_URL = 'an address such as http://localhost:3002, without a path'

const url = () =>
  setting<string, StaticAddress>(WRITE_URL, (given) => {
    const origin = readOrigin(given)
    if (origin === undefined) return undefined
    const { protocol: scheme, hostname, port } = new URL(origin)
    const protocol = scheme === 'https:' ? 'https' : 'http'
    const host = hostname.replace(/^\[|\]$/g, '')
    return { protocol, host, port: Number(port) || (protocol === 'https' ? 443 : 80) }
  })

const version = () =>
  setting<string | number, string | number>('a number or text such as 2.4.0', (given) =>
    (typeof given === 'number' && given >= 0) ||
    (typeof given === 'string' && given !== '' && given.length <= 64)
      ? given
      : undefined,
  )

const address = z.strictObject({
  url: url().describe('Where the instance is: http or https, host and port.'),
  weight: count(0, 1_000_000)
    .optional()
    .describe('Share of visitors of this instance instead of the service’s weight.'),
  version: version().optional().describe('Version of this instance instead of the service’s version.'),
})

/**
 * What is wrong with a path. A service that registers itself is served without such a route and told so; here
 * there is somebody to mend it before anything starts.
 */
function pathProblem(dialect: Dialect, path: string): string | undefined {
  try {
    return translate(dialect, path).patterns.some(isReservedPattern)
      ? 'another path: this one belongs to the gateway'
      : undefined
  } catch (error) {
    if (error instanceof PatternError) return `another pattern: ${error.message}`
    throw error
  }
}

/** Whether a path is one that belongs to the gateway while people sign in there. */
export function isSignInPath(dialect: unknown, path: string): boolean {
  const known = DIALECTS.find((each) => each === dialect) ?? 'hydra'
  try {
    return translate(known, path).patterns.some(isLoginPattern)
  } catch {
    return false
  }
}

const WHOM = 'one of the two: optional is for everybody, roles and providers are for people who are signed in'

const route = routeDeclaration.strict().superRefine((declared, context) => {
  const { path, dialect, fallback, socket, methods } = declared
  if (accessFault(declared)) context.addIssue({ code: 'custom', path: ['auth'], message: WHOM })
  if (socket && methods && !methods.includes('GET'))
    context.addIssue({
      code: 'custom',
      path: ['methods'],
      message: 'GET among them: a WebSocket begins with it',
    })
  const wrongPath = pathProblem(dialect, path)
  if (wrongPath) context.addIssue({ code: 'custom', path: ['path'], message: wrongPath })
  const wrongFallback = fallback === undefined ? undefined : fallbackProblem(fallback)
  if (wrongFallback)
    context.addIssue({ code: 'custom', path: ['fallback'], message: `another one: it ${wrongFallback}` })
})

const fragment = refDeclaration.strict().superRefine((declared, context) => {
  if (accessFault(declared)) context.addIssue({ code: 'custom', path: ['auth'], message: WHOM })
})

const { auth, roles, providers, login, cookies } = registration.shape

const socket = text('a pattern such as /live').superRefine((path, context) => {
  const wrong = pathProblem('spring', path)
  if (wrong) context.addIssue({ code: 'custom', message: wrong })
})

const tls = z
  .strictObject({
    ca: text('certificates in PEM form, or the path of a file with them', 1_000_000)
      .optional()
      .describe(
        'Certificates to trust instead of the system’s: PEM text, or the path of a file (from the directory of the configuration file).',
      ),
    serverName: text('a host name', 255)
      .optional()
      .describe('Name to ask for and to verify instead of the host of the URL.'),
    verify: flag().prefault(true).describe('false accepts any certificate. For trying things out only.'),
  })
  .describe('For https addresses.')

/** A service that does not register itself. */
export const staticService = z
  .strictObject({
    url: url().optional().describe('Where the only instance is. One of `url` and `urls` is needed.'),
    urls: z
      .array(
        z.preprocess(
          (given: string | z.input<typeof address>) => (typeof given === 'string' ? { url: given } : given),
          address,
        ),
      )
      .min(1, 'at least one address')
      .max(1000)
      .optional()
      .describe('Where several instances are: addresses, or `{ url, weight, version }`.'),
    routes: z
      .array(
        z.preprocess(
          (given: string | RouteInput) => (typeof given === 'string' ? { path: given } : given),
          route,
        ),
      )
      .prefault([])
      .describe('Paths it serves: patterns such as `/orders/**`, or objects as described below.'),
    sockets: z
      .array(socket)
      .prefault([])
      .describe('Patterns at which it takes WebSockets, such as `/live` or `/live/{room}`.'),
    statics: z
      .array(text('a path such as logo.svg'))
      .prefault([])
      .describe('Static files, relative to its `/static/`, served at `/<name>/…` as well.'),
    fragments: z
      .array(
        z.preprocess(
          (given: string | RefInput) => (typeof given === 'string' ? { ref: given } : given),
          fragment,
        ),
      )
      .max(2000)
      .prefault([])
      .describe(
        'Fragments it renders for pages of others: refs such as `teaser`, or `{ ref, attributes, imports, auth, roles, providers }`. Each is asked for by itself, at `/h/fragment/…/requestFragment`; without this list any may be asked for, many at once, as of a Medusa application.',
      ),
    title: text('what visitors call it, such as Orders', 128)
      .optional()
      .describe('What visitors call it, such as Orders.'),
    fallback: text('HTML, a path, or an http(s) URL')
      .optional()
      .describe('Shown when no instance is left: HTML, a path, or an http(s) URL.'),
    menu: menusOf(menuItem.strict())
      .prefault({})
      .describe(
        'Menu items by menu name, `{ label, path, icon, order, group, parent, roles, signedOut }`; a list alone is the menu `main`.',
      ),
    weight: count(0, 1_000_000).prefault(10).describe('Share of visitors of each instance; 10 is normal.'),
    version: version().prefault(0).describe('Version of its instances.'),
    group: text('a name', 128).optional().describe('Rollout group: services of one group may share routes.'),
    affinity: flag().prefault(false).describe('Keep a visitor on one instance.'),
    preserveHost: flag()
      .prefault(true)
      .describe('Send the Host the visitor asked for; false sends the one of the URL.'),
    auth: auth.describe(
      'For whom all its routes and fragments are that say nothing themselves. required: for people who are signed in. optional, the default: for everybody.',
    ),
    roles: roles.describe(
      'One of these roles is needed for all that says nothing itself, as they are called in this service. Implies `auth: required`.',
    ),
    providers: providers.describe(
      'One of these providers must know the person, for all that says nothing itself; `local` is user name and password. Implies `auth: required`.',
    ),
    login: login.describe(
      'How it is told who calls: `cookie`, the token all services share, in `HYDRA-SSO`; `header`, one of its own in `Hydra-Token`; `none`, the default here: who holds the shared one can be anybody’s visitor elsewhere.',
    ),
    cookies: cookies.describe(
      'own: names of its cookies get a prefix in the browser, so that applications on one origin don’t overwrite each other’s. shared, the default: they go as they are.',
    ),
    tls: tls.prefault({}),
  })
  .superRefine((service, context) => {
    const { url, urls, routes, sockets, statics, fragments, fallback } = service
    if (accessFault(service)) context.addIssue({ code: 'custom', path: ['auth'], message: WHOM })
    const add = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    if (!url === !urls) add('url', 'either url, the address of the only instance, or urls, a list of them')
    const wrongFallback = fallback === undefined ? undefined : fallbackProblem(fallback)
    if (wrongFallback) add('fallback', `another one: it ${wrongFallback}`)
    const twice = fragments.find(({ ref }, i) => fragments.findIndex((other) => other.ref === ref) < i)
    if (twice) add('fragments', `each ref once; "${twice.ref}" is there twice`)
    if (routes.length + sockets.length + statics.length + fragments.length === 0)
      add('routes', "the paths it serves, such as ['/shop/**']")
  })
