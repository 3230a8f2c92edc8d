/**
 * The options a service may give, and what each of them must be. Pure.
 *
 * @module
 */
import { LOGINS, menuItem, nearest, routeDeclaration } from '@hydra-gateway/protocol'
import { ACCESS_NAMES, accessFaults } from './identity/access.ts'
import type { ServiceOptions } from './options.ts'

interface Kind {
  /** After "must be", for people. */
  readonly words: string
  /** Somebody who gave one where several may stand is shown their own in a list. */
  readonly isList?: boolean
  readonly fits: (value: unknown) => boolean
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
const hasFunctions =
  (...names: readonly string[]): Kind['fits'] =>
  (value) =>
    isObject(value) && names.every((name) => typeof Reflect.get(value, name) === 'function')
const listOf =
  (fits: Kind['fits']): Kind['fits'] =>
  (value) =>
    Array.isArray(value) && value.every(fits)

const text: Kind = { words: 'a text', fits: isText }
const number: Kind = { words: 'a number', fits: (value) => typeof value === 'number' }
const atLeastOne: Kind = {
  words: 'a whole number, 1 or more',
  fits: (value) => Number.isInteger(value) && (value as number) > 0,
}
const yesOrNo: Kind = { words: 'true or false', fits: (value) => typeof value === 'boolean' }
const list = (example: string): Kind => ({
  words: `a list such as ['${example}']`,
  isList: true,
  fits: listOf(isText),
})
/** Looked at where it is used, in its own words. */
const anything: Kind = { words: 'given', fits: () => true }

const KINDS: Readonly<Record<keyof ServiceOptions | 'server' | 'port', Kind>> = {
  name: anything,
  server: anything,
  port: anything,
  when: anything,
  gateway: {
    words: "a URL such as 'http://localhost:8080', or a list of them",
    fits: (value) => isText(value) || listOf(isText)(value),
  },
  publicKey: text,
  privateKey: text,
  host: text,
  protocol: { words: "'http' or 'https'", fits: (value) => value === 'http' || value === 'https' },
  routes: {
    isList: true,
    words: "a list such as ['/orders', 'POST /orders', { path: '/orders/{id}' }]",
    fits: listOf((route) => isText(route) || (isObject(route) && 'path' in route)),
  },
  statics: {
    words: "a folder, or a list such as ['css/site.css']",
    fits: (value) => isText(value) || listOf(isText)(value),
  },
  sockets: {
    isList: true,
    words: "a list such as ['/orders/live', { path: '/orders/staff', roles: ['STAFF'] }]",
    fits: listOf((one) => isText(one) || (isObject(one) && 'path' in one && isText(one.path))),
  },
  // Looked at together, below.
  auth: anything,
  roles: anything,
  providers: anything,
  login: {
    words: "'cookie', 'header' or 'none'",
    fits: (value) => (LOGINS as readonly unknown[]).includes(value),
  },
  cookies: { words: "'shared' or 'own'", fits: (value) => value === 'shared' || value === 'own' },
  devUsers: {
    words: "users by name, such as { mira: { roles: ['ADMIN'] } }",
    fits: (value) => isObject(value) && !Array.isArray(value) && Object.values(value).every(isObject),
  },
  include: list('/orders/**'),
  exclude: list('/orders/drafts/**'),
  menu: {
    words: "a list such as [{ path: '/orders', label: 'Orders' }], or lists by name of the menu",
    fits: (value) =>
      isObject(value) && listOf(isObject)(Array.isArray(value) ? value : Object.values(value).flat()),
  },
  fragments: {
    words: "a list such as [fragment('checkout', handler)]",
    fits: listOf(
      (one) =>
        isObject(one) &&
        'ref' in one &&
        isText(one.ref) &&
        'options' in one &&
        isObject(one.options) &&
        'handler' in one &&
        typeof one.handler === 'function',
    ),
  },
  pages: {
    words: "a list such as [page('<h1>…</h1>')]",
    fits: listOf(hasFunctions('compile', 'bind', 'uses')),
  },
  sessions: {
    words: 'an object with the functions load and save',
    fits: hasFunctions('load', 'save'),
  },
  identify: { words: 'a function that takes a token', fits: (value) => typeof value === 'function' },
  messages: {
    words: "handlers by type, such as { 'order.paid': handler, chat: { auth: 'required', handler } }",
    fits: (value) =>
      isObject(value) &&
      !Array.isArray(value) &&
      Object.values(value).every((one) => typeof one === 'function' || hasFunctions('handler')(one)),
  },
  maxMessages: atLeastOne,
  messagePatienceMs: atLeastOne,
  maxRenders: atLeastOne,
  maxRenderBytes: atLeastOne,
  fallback: text,
  weight: number,
  version: { words: 'a number or a text', fits: (value) => isText(value) || typeof value === 'number' },
  awakening: text,
  title: text,
  group: text,
  affinity: yesOrNo,
  signal: {
    words: 'an AbortSignal',
    fits: (value) => isObject(value) && 'addEventListener' in value,
  },
  signals: yesOrNo,
  graceMs: number,
  timeoutMs: number,
  log: {
    words: 'an object with info, warn and error, or false',
    fits: (value) => value === false || hasFunctions('info', 'warn', 'error')(value),
  },
}

/** What is wrong with the kind of each option: `exclude must be a list such as ['/zz']`, one sentence each. */
export function wrongKinds(options: object): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    const kind = Object.hasOwn(KINDS, name) ? KINDS[name as keyof typeof KINDS] : undefined
    if (!kind || value === undefined || kind.fits(value)) return []
    const words = kind.isList && isText(value) ? `a list such as ['${value}']` : kind.words
    return [`${name} must be ${words}`]
  })
}

const OF_ITEMS = ['path', ...Object.keys(menuItem.shape)]
const OF_ROUTES = Object.keys(routeDeclaration.shape)
const OF_SOCKETS = ['path', ...ACCESS_NAMES]

/**
 * What is wrong with whom the service, its routes and its sockets are for, one sentence each. A mistyped `role` would
 * leave open what was meant to be closed.
 */
export function wrongAccess(options: object): string[] {
  const { routes, sockets, menu } = options as { routes?: unknown; sockets?: unknown; menu?: unknown }
  return [
    ...unknownNames(options)
      .filter(({ meant }) => (ACCESS_NAMES as readonly unknown[]).includes(meant))
      .map((one) => sentenceOn(one)),
    ...accessFaults(options),
    ...wrongEntries('routes', 'a route', routes, OF_ROUTES),
    ...wrongEntries('sockets', 'a socket', sockets, OF_SOCKETS),
    ...wrongEntries('menu', 'a menu item', itemsOf(menu), OF_ITEMS),
  ]
}

/** Of all menus. */
function itemsOf(menu: unknown): unknown {
  return isObject(menu) && !Array.isArray(menu) ? Object.values(menu).flat() : menu
}

function wrongEntries(option: string, what: string, entries: unknown, known: readonly string[]): string[] {
  if (!Array.isArray(entries)) return []
  return entries.filter(isObject).flatMap((entry) => {
    const { path, endpoint } = entry as { path?: unknown; endpoint?: unknown }
    const unknown = Object.keys(entry)
      .filter((name) => !known.includes(name))
      .map((name) => sentenceOn({ name, meant: nearest(name, known) }, `no option of ${what}`))
    return [...unknown, ...accessFaults(entry)].map((fault) => `${option}: ${path ?? endpoint}: ${fault}`)
  })
}

/** Options nobody reads, probably mistyped: `"sokets" is no option; did you mean "sockets"?`, one sentence each. */
export function unknownOptions(options: object): string[] {
  return unknownNames(options).map((one) => sentenceOn(one))
}

interface Unknown {
  readonly name: string
  readonly meant: string | undefined
}

function unknownNames(options: object): Unknown[] {
  return Object.keys(options)
    .filter((name) => !Object.hasOwn(KINDS, name))
    .map((name) => ({ name, meant: nearest(name, Object.keys(KINDS)) }))
}

function sentenceOn({ name, meant }: Unknown, what = 'no option'): string {
  return `"${name}" is ${what}${meant ? `; did you mean "${meant}"?` : ''}`
}
