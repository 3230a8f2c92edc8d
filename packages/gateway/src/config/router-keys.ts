/**
 * Keys of hydra-router's `config.json` (`flywheel.md` 4.1): the setting each one is here, or why it has no effect.
 *
 * @module
 */
import { isIP } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import { DEFAULT_ROUTER_REDIS, readRouterRedis } from './router-redis.ts'

/** Addresses of this machine, as `os.networkInterfaces()` gives them. */
export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>

/** What became of one key. */
export type Outcome =
  | { readonly path: readonly string[]; readonly value: unknown }
  | { readonly is: string; readonly write: string; readonly under?: string }
  | { readonly unused: string; readonly under?: string }

export interface RouterKey {
  /** `hydra.servicePort` */
  readonly name: string
  /** Parts below it are read here as well; others are told one by one. */
  readonly isWhole?: true
  /** `value` is neither absent nor null. `all`: the whole of what was given, by name. */
  read(value: unknown, all: (name: string) => unknown, interfaces: Interfaces): readonly Outcome[]
}

const OWN_LOG = 'the gateway writes its log to standard output'
const OWN_ENTRY = 'lists of services say what the gateway is'

export const ROUTER_KEYS: readonly RouterKey[] = [
  same('externalRoutes', true),
  same('routerToken'),
  same('disableRouterEndpoint'),
  same('debugLogging'),
  same('queuerDB'),
  key('hydra.queuerDB', (value, all) =>
    isSet(all('queuerDB'))
      ? [{ unused: 'queuerDB at the top goes before it' }]
      : [{ path: ['flywheel', 'queuerDB'], value }],
  ),
  key('requestTimeout', (value) => {
    // 0 and an empty text are what the original takes its own 5 seconds for
    if (!isSet(value) || Number(value) === 0) return []
    const seconds = typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN
    return Number.isFinite(seconds) && seconds > 0
      ? [{ path: ['flywheel', 'requestTimeout'], value: Math.max(1, Math.round(seconds * 1000)) }]
      : [{ is: JSON.stringify(value), write: 'a number of seconds' }]
  }),
  same('forceMessageSignature'),
  same('signatureSharedSecret'),
  same('cors', true),
  same('requireWebsocketAuth'),
  same('websocketAuthService'),
  same('websocketAuthServiceAPI'),
  key('hydra.servicePort', (value) => {
    if (!isSet(value)) return []
    return /[-,]/.test(String(value))
      ? [{ unused: 'the gateway listens on one port, which PORT names' }]
      : [{ path: ['port'], value }]
  }),
  key('hydra.serviceInterface', (value, all, interfaces) => {
    if (!isSet(value)) return []
    const named = [all('hydra.serviceDNS'), all('hydra.serviceIP')].find(isSet)
    const host = named === undefined ? addressOf(value, interfaces) : matching(named, interfaces)
    if (host !== undefined) return [{ path: ['host'], value: host }]
    const names = Object.entries(interfaces).flatMap(([name, all = []]) =>
      all.flatMap(({ family, netmask }) => (family === 'IPv4' ? [`${name}/${netmask}`] : [])),
    )
    return [{ is: JSON.stringify(value), write: `an interface with its mask: ${names.join(', ')}` }]
  }),
  key('hydra.serviceDNS', (value) => (isSet(value) ? [{ path: ['flywheel', 'address'], value }] : [])),
  key('hydra.serviceIP', (value, all, interfaces) => {
    if (!isSet(value)) return []
    if (isSet(all('hydra.serviceDNS'))) return [{ unused: 'hydra.serviceDNS goes before it' }]
    const address = matching(value, interfaces)
    return address === undefined
      ? [{ is: JSON.stringify(value), write: 'the beginning of an address this machine has, or the address' }]
      : [{ path: ['flywheel', 'address'], value: address }]
  }),
  key('hydra.serviceName', (value) =>
    String(value).toLowerCase() === 'hydra-router' || !isSet(value)
      ? []
      : [{ unused: 'the gateway is hydra-router, by which services look for it' }],
  ),
  ...unused(OWN_ENTRY, 'hydra.serviceDescription', 'hydra.serviceType', 'hydra.serviceVersion'),
  ...unused(OWN_LOG, 'hydra.plugins', 'logRequests'),
  ...unused('hydra-router never used it; messages.rate and messages.burst bound clients', 'rateLimiter'),
  ...unused('NODE_ENV says it', 'environment'),
  ...unused('HYDRA_WORKERS says how many processes serve', 'cluster', 'processes'),
  ...unused('the gateway has a name of its own', 'appServiceName', 'appServiceDescription'),
  ...unused('HYDRA_ROUTER_CONFIG names the file itself', 'location'),
  {
    name: 'hydra.redis',
    isWhole: true,
    read(value) {
      if (!isObject(value))
        return [{ is: JSON.stringify(value), write: `{ "url": "${DEFAULT_ROUTER_REDIS}" }` }]
      const { url, tls = {}, problem, unused } = readRouterRedis(value)
      return [
        ...(url === undefined ? [] : [{ path: ['redis', 'url'], value: url }]),
        ...Object.entries(tls).flatMap(([name, pem]) =>
          pem === undefined ? [] : [{ path: ['redis', name], value: pem }],
        ),
        ...(problem ? [{ is: problem.is, write: problem.write, under: problem.name }] : []),
        ...unused.map((under) => ({
          unused: 'the gateway has patience of its own with Redis, the settings below redis',
          under,
        })),
      ]
    },
  },
]

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const isSet = (value: unknown) => value !== undefined && value !== null && value !== ''

function key(name: string, read: RouterKey['read']): RouterKey {
  return { name, read }
}

/** Has the same name and the same meaning here. An empty text is what hydra-router takes for nothing. */
function same(name: string, isWhole?: true): RouterKey {
  const read = (value: unknown) => (isSet(value) ? [{ path: ['flywheel', name], value }] : [])
  return { name, read, ...(isWhole ? { isWhole } : {}) }
}

function unused(why: string, ...names: string[]): RouterKey[] {
  return names.map((name) => ({ name, isWhole: true, read: () => [{ unused: why }] }))
}

/** `eth0/255.255.255.0`: the address the interface has in that network. */
function addressOf(given: unknown, interfaces: Interfaces): string | undefined {
  const [name = '', mask] = String(given).split('/')
  if (!Object.hasOwn(interfaces, name)) return undefined
  return interfaces[name]?.find(({ family, netmask }) => family === 'IPv4' && netmask === mask)?.address
}

/** `10.1.*`: the first address of this machine that begins so. Others are what they are. */
function matching(given: unknown, interfaces: Interfaces): string | undefined {
  const text = String(given)
  if (isIP(text) !== 0 || !text.includes('*')) return text
  const beginning = text.slice(0, text.indexOf('*'))
  return Object.values(interfaces)
    .flatMap((all = []) => all)
    .find(({ family, address }) => family === 'IPv4' && address.startsWith(beginning))?.address
}
