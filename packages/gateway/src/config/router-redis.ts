/**
 * Where hydra-router was told that Redis is, as an address of ours (`flywheel.md` 1.1).
 *
 * @module
 */

/** What a block says, or what is wrong with it. Names are those inside the block. */
export interface RouterRedis {
  readonly url?: string
  readonly tls?: Readonly<Record<'ca' | 'cert' | 'key', string | undefined>>
  readonly problem?: { readonly name: string; readonly is: string; readonly write: string }
  /** Names that have no effect here. */
  readonly unused: readonly string[]
}

/** What the library takes when there is no block at all. */
export const DEFAULT_ROUTER_REDIS = 'redis://127.0.0.1:6379/15'

const WRITE = 'an address such as redis://host:6379/15'
const OURS = /^rediss?:$/
const USED = ['url', 'host', 'port', 'db', 'password', 'auth_pass', 'tls', 'path']
const USED_OF_TLS = ['ca', 'cert', 'key'] as const

/** Reads `{url}` or `{host, port, db, password}`; what stands beside the url wins over what is in it. */
export function readRouterRedis(block: Readonly<Record<string, unknown>>): RouterRedis {
  const unused = Object.keys(block).filter((name) => !USED.includes(name))
  const bad = (name: string, is: string, write = WRITE) => ({ problem: { name, is, write }, unused })
  if (isSet(block.path)) return bad('path', 'a socket', 'host and port: sockets of this machine are not used')

  const { url } = block
  if (isSet(url) && typeof url !== 'string') return bad('url', 'no text')
  // Several hosts are nothing hydra-router knew; whoever writes such an address means ours.
  if (typeof url === 'string' && /^rediss?\+/.test(url)) return { url, unused }
  const given = isSet(url) ? parse(url as string) : undefined
  if (isSet(url) && given === undefined) return bad('url', 'set, but not usable')

  const host = block.host ?? given?.hostname
  const port = block.port ?? (given?.port || undefined)
  const database = block.db ?? (given?.pathname.replace(/^\/+|\/+$/g, '') || 0)
  // The library takes the password of a url and leaves the name before it.
  const password = block.password ?? block.auth_pass ?? (given && decoded(given.password))
  if (isSet(host) && !/^[\w.:[\]-]+$/.test(String(host)))
    return bad('host', 'set, but not usable', 'a name or an address')
  if (isSet(port) && !isWhole(port, 65_535)) return bad('port', 'no port', 'a port from 1 to 65535')
  if (!isWhole(database, 65_535))
    return bad(isSet(block.db) ? 'db' : 'url', 'with a database that is no number')
  if (isSet(password) && typeof password !== 'string')
    return bad('password', 'no text', 'the password as text')

  const tls = tlsOf(block.tls)
  const scheme = tls || given?.protocol === 'rediss:' ? 'rediss' : 'redis'
  const secret = password ? `:${encodeURIComponent(password as string)}@` : ''
  const name = String(isSet(host) ? host : '127.0.0.1')
  const shown = name.includes(':') && !name.startsWith('[') ? `[${name}]` : name
  return {
    url: `${scheme}://${secret}${shown}:${isSet(port) ? port : 6379}/${database}`,
    ...(tls ? { tls: tls.used } : {}),
    unused: [...unused, ...(tls?.unused.map((each) => `tls.${each}`) ?? [])],
  }
}

const isSet = (value: unknown) => value !== undefined && value !== null && value !== ''

function isWhole(value: unknown, most: number): boolean {
  return /^\d{1,5}$/.test(String(value)) && Number(value) <= most
}

/** `host:6379` without a scheme counts as well, as it does in the library. */
function parse(url: string): URL | undefined {
  const whole = url.includes('://') ? url : `redis://${url.replace(/^\/\//, '')}`
  if (!URL.canParse(whole)) return undefined
  const parsed = new URL(whole)
  return OURS.test(parsed.protocol) && parsed.hostname !== '' ? parsed : undefined
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function tlsOf(given: unknown) {
  if (given === undefined || given === null || given === false) return undefined
  const options = typeof given === 'object' ? (given as Record<string, unknown>) : {}
  const pem = (value: unknown) =>
    typeof value === 'string' ? value : Array.isArray(value) ? value.join('\n') : undefined
  return {
    used: { ca: pem(options.ca), cert: pem(options.cert), key: pem(options.key) },
    unused: Object.keys(options).filter((name) => !(USED_OF_TLS as readonly string[]).includes(name)),
  }
}
