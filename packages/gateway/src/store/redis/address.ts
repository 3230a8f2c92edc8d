/**
 * Reads the URL of Redis, in the forms of `RedisSettings.url`.
 *
 * @module
 */

export interface ServerAddress {
  readonly host: string
  readonly port: number
}

/** Where Redis is, and who we are there. */
export interface RedisAddress {
  readonly kind: 'single' | 'sentinel' | 'cluster'
  /** The server; or Sentinels; or some nodes of the Cluster. */
  readonly seeds: readonly ServerAddress[]
  /** What Sentinel calls the group of servers. */
  readonly name?: string
  readonly tls: boolean
  readonly database: number
  readonly username?: string
  readonly password?: string
  /** For people: never with a password. */
  readonly place: string
}

const FORM =
  /^(?<scheme>rediss?)(?:\+(?<kind>sentinel|cluster))?:\/\/(?:(?<user>[^@/]*)@)?(?<hosts>[^/?#@]+)(?<path>\/[^?#]*)?$/

const PORTS = { single: 6379, sentinel: 26_379, cluster: 6379 }

/** @throws Error with a sentence that says what is wrong, and never repeats a password */
export function readRedisUrl(url: string): RedisAddress {
  const groups = FORM.exec(url)?.groups
  if (!groups)
    throw new Error(
      'redis.url is none: redis://host:6379, rediss:// with TLS, redis+sentinel://host:26379,host2:26379/name or redis+cluster://host:6379,host2:6379',
    )
  const kind = (groups.kind ?? 'single') as RedisAddress['kind']
  const seeds = groups.hosts!.split(',').map((host) => readHost(host, PORTS[kind]))
  if (kind === 'single' && seeds.length > 1)
    throw new Error('redis.url names several hosts: then it is redis+sentinel:// or redis+cluster://')
  const words = (groups.path ?? '').split('/').slice(1).filter(Boolean).map(decode)
  const name = kind === 'sentinel' ? words.shift() : undefined
  if (kind === 'sentinel' && name === undefined)
    throw new Error(
      'redis.url has to end in the name Sentinel has for the primary: redis+sentinel://host/name',
    )
  const database = words.length === 0 ? 0 : Number(words[0])
  if (words.length > 1 || !Number.isInteger(database) || database < 0)
    throw new Error('redis.url ends in what is no number of a database')
  if (kind === 'cluster' && database !== 0) throw new Error('A Redis Cluster has database 0 only')
  const [username, password] = readUser(groups.user)
  const hosts = seeds.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(', ')
  const place = {
    single: `redis at ${hosts}`,
    sentinel: `redis ${name} by sentinel at ${hosts}`,
    cluster: `redis cluster at ${hosts}`,
  }[kind]
  return {
    kind,
    seeds,
    ...(name === undefined ? {} : { name }),
    tls: groups.scheme === 'rediss',
    database,
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
    place,
  }
}

/** The same, with another database. */
export function withDatabase(url: string, database: number): string {
  const { kind } = readRedisUrl(url)
  const { scheme, kind: way, user, hosts, path = '' } = FORM.exec(url)!.groups!
  const start = `${scheme}${way ? `+${way}` : ''}://${user === undefined ? '' : `${user}@`}${hosts}`
  const name = kind === 'sentinel' ? `/${path.split('/').filter(Boolean)[0]}` : ''
  return `${start}${name}/${database}`
}

function readHost(text: string, usual: number): ServerAddress {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = bracketed ?? plain
  // What stands there may be the beginning of a password with a slash in it.
  if (host === undefined || Number(port) > 65_535)
    throw new Error(
      'redis.url names a host that is none, or has a password with a /, @, # or ? in it: write those as %2F, %40, %23 and %3F',
    )
  return { host, port: port === undefined ? usual : Number(port) }
}

/** `user:password`, `:password`; a single word is a user, as everywhere in URLs. */
function readUser(text: string | undefined): [username?: string, password?: string] {
  if (text === undefined) return []
  const colon = text.indexOf(':')
  if (colon < 0) return [decode(text)]
  return [decode(text.slice(0, colon)), decode(text.slice(colon + 1))]
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Error('redis.url has a % that stands for nothing: write %25')
  }
}
