/**
 * The options a service may give, and what each of them must be. Pure.
 *
 * @module
 */
import { nearest } from '@hydra-gateway/protocol'
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
  gateway: text,
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
  sockets: list('/orders/live'),
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

/** Options nobody reads, probably mistyped: `"sokets" is no option; did you mean "sockets"?`, one sentence each. */
export function unknownOptions(options: object): string[] {
  return Object.keys(options)
    .filter((name) => !Object.hasOwn(KINDS, name))
    .map((name) => {
      const meant = nearest(name, Object.keys(KINDS))
      return `"${name}" is no option${meant ? `; did you mean "${meant}"?` : ''}`
    })
}
