/**
 * The registration: what the gateway is told about this process, from options and what was found in the app.
 *
 * @module
 */
import {
  type MenuItems,
  type MessageDeclaration,
  type RegistrationInput,
  registration,
  serviceNameProblem,
} from '@hydra-gateway/protocol'
import { type Exported, selectRoutes } from './exported.ts'
import { NOTHING_FOUND } from './found.ts'
import { refsOf, usesOf } from './fragments/declared.ts'
import { accessOf } from './identity/access.ts'
import { wrongAccess, wrongKinds } from './known-options.ts'
import type { MenuItemOption, ServiceOptions, SocketOption } from './options.ts'
import { readPatterns, toSpring } from './patterns.ts'

export interface Facts {
  readonly instanceId: string
  /** Epoch ms. */
  readonly activeSince: number
  readonly host: string
  readonly port: number
  readonly protocol: 'http' | 'https'
  readonly exported: readonly Exported[]
  readonly statics: readonly string[]
  /** Messages it has handlers for. */
  readonly messages?: readonly MessageDeclaration[]
}

/** Ours always name the instance. */
export type OwnRegistration = RegistrationInput & { readonly instanceId: string }

/**
 * Puts a registration together.
 *
 * @throws TypeError with one line per fault when the gateway would refuse it as a whole.
 */
export function compileRegistration(options: ServiceOptions, facts: Facts): OwnRegistration {
  const { version, awakening, weight, group, title, fallback, affinity, login, cookies } = options
  const sockets = options.sockets ?? []
  const bean: OwnRegistration = {
    protocol: 1,
    instanceId: facts.instanceId,
    name: options.name,
    webProtocol: facts.protocol,
    host: facts.host,
    port: facts.port,
    activeSince: facts.activeSince,
    routes: [
      ...facts.exported.map(({ declaration }) => declaration),
      ...sockets.filter(isObject).map(socketRoute),
    ],
    sockets: readPatterns(
      sockets.filter((socket) => typeof socket === 'string'),
      'sockets',
    ).map(toSpring),
    staticResources: [...facts.statics],
    menuItems: menusOf(options.menu),
    refs: refsOf(options.fragments),
    uses: usesOf(options.name, options.pages),
    messages: [...(facts.messages ?? [])],
    // A page may be made for each request, and a tag may name its service by an attribute.
    ...(options.pages !== undefined && options.pages.length > 0 && { asksFragments: true }),
    ...accessOf(options),
    ...definedOf({ version, awakening, weight, group, title, fallback, affinity, login, cookies }),
  }
  const parsed = registration.safeParse(bean)
  if (parsed.success) return bean
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  throw new TypeError(`the gateway would refuse this registration: ${faults.join('; ')}`)
}

/** Throws a TypeError for options that can never be registered, before anything is started or compiled. */
export function checkOptions(options: ServiceOptions): void {
  const problem = serviceNameProblem(String(options.name ?? ''))
  if (problem) throw new TypeError(`name: ${problem}`)
  const wrong = [...wrongKinds(options), ...wrongAccess(options)]
  if (wrong.length > 0) throw new TypeError(wrong.join('; '))
  const { when } = options
  if (when !== undefined && typeof when !== 'function' && typeof when?.then !== 'function')
    throw new TypeError('when must be a promise, or a function that returns one')
  const { pages: _notCompiledYet, ...others } = options
  checkRegistration(others)
}

/** Throws a TypeError when the options don't make a registration, whatever is found in the app. */
export function checkRegistration(options: ServiceOptions): void {
  const { exported } = selectRoutes(NOTHING_FOUND, options)
  const facts = {
    instanceId: '0'.repeat(32),
    activeSince: 0,
    host: 'localhost',
    port: 1,
    protocol: 'http',
  } as const
  compileRegistration(options, { ...facts, exported, statics: [] })
}

function isObject(socket: SocketOption): socket is Exclude<SocketOption, string> {
  return typeof socket !== 'string'
}

/** A socket with more to say than its path is a route. */
function socketRoute(socket: Exclude<SocketOption, string>) {
  readPatterns([socket.path], 'sockets')
  return { path: socket.path, socket: true, ...accessOf(socket) }
}

/** Items by menu, in the words of a registration. */
export function menusOf(menu: ServiceOptions['menu']): MenuItems {
  if (!menu) return {}
  const menus: readonly [string, readonly MenuItemOption[]][] = isOneMenu(menu)
    ? [['main', menu]]
    : Object.entries(menu)
  return Object.fromEntries(menus.map(([name, items]) => [name, items.map(menuItemOf)]))
}

function menuItemOf(item: MenuItemOption): MenuItems[string][number] {
  const { label, order, icon, group, parent, signedOut } = item
  const roles = item.roles && [...item.roles]
  return {
    endpoint: 'path' in item ? item.path : item.endpoint,
    label,
    ...definedOf({ order, icon, group, parent, roles, signedOut }),
  }
}

function isOneMenu(menu: NonNullable<ServiceOptions['menu']>): menu is readonly MenuItemOption[] {
  return Array.isArray(menu)
}

/** Only the members that have a value: an explicit undefined is no JSON. */
function definedOf<Given extends object>(given: Given): Given {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Given
}
