/**
 * Identity for tests: every part real, people in memory, a clock that moves when told, and browsers that keep cookies.
 *
 * @module
 */
import { createLog } from '../../observe/log.ts'
import { createManualClock } from '../../observe/manual-clock.ts'
import type { Exchange } from '../../proxy/exchange.ts'
import { createMemoryIdentityStore } from '../../store/identity/memory.ts'
import { createKeyRing } from '../key-ring.ts'
import { createLocalUsers } from '../local-users.ts'
import { createLoginDoor, type LoginDoorDeps } from '../login-door.ts'
import { createPasswords } from '../passwords.ts'
import type { Identity, ProviderInfo } from '../port.ts'
import { createRevocations } from '../revocations.ts'
import { createSealer } from '../sealing.ts'
import { createSessionCookies } from '../session-cookies.ts'
import { createSessions } from '../sessions.ts'
import { createThrottle } from '../throttle.ts'
import { createTokens } from '../tokens.ts'

export const HOUR = 3_600_000

export const MIRA: Identity = {
  ...{ provider: 'local', subject: 'mira', username: 'mira', userId: 7, roles: ['USER'] },
  claims: {},
}
export const ACME: Identity = {
  ...{ provider: 'acme', subject: '0017', username: 'mira.k', userId: null, roles: ['STAFF'] },
  claims: { team: 'blue' },
  providerSession: 'at-acme',
}

export interface WorldOptions {
  readonly host?: boolean
  /** Characters of metadata of the user mira, whose password is `secret`. */
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly providers?: readonly ProviderInfo[]
  readonly logoutUrl?: string
  readonly door?: Partial<LoginDoorDeps>
}

export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly form?: Readonly<Record<string, string>> | string
}

export async function createWorld(options: WorldOptions = {}) {
  const { host = false, metadata = {}, providers = [], logoutUrl, door = {} } = options
  const clock = createManualClock(1_800_000_000_000)
  const lines: Record<string, unknown>[] = []
  const log = createLog('debug', { write: (line: string) => void lines.push(JSON.parse(line)) })
  const store = createMemoryIdentityStore()
  const privateKeys = ['private']
  const ring = await createKeyRing({
    store: store.keyRing,
    sealer: createSealer(privateKeys, 'ring'),
    tokenLifeMs: HOUR,
    clock,
    log,
  })
  const tokens = createTokens({
    ring,
    sealer: createSealer(privateKeys, 'own'),
    clock,
    settings: { lifeMs: HOUR, renewAfterMs: HOUR / 2, idleMs: 8 * HOUR },
  })
  const keepMs = 24 * HOUR
  const revocations = createRevocations({ store: store.revocations, clock, log, settings: { keepMs } })
  const passwords = createPasswords({ memoryKiB: 64, passes: 1 })
  const users = createLocalUsers({ configured: [], store: store.users, passwords, log })
  const record = {
    ...{ username: 'mira', id: 7, passwordHash: await passwords.hash('secret'), roles: ['USER'], metadata },
    ...{ enabled: true, accountNonExpired: true, accountNonLocked: true, credentialsNonExpired: true },
  }
  await store.users.put(record)
  await users.look()

  const gone = new Set<string>()
  const refused: string[] = []
  const metrics = { refused: (what: string, reason: string) => void refused.push(`${what} ${reason}`) }
  let signs = 0
  const cookies = createSessionCookies({ host, privateKeys })
  const known = {
    list: () => providers,
    logoutUrl: () => logoutUrl,
    current: (identity: Identity) => (gone.has(identity.provider) ? undefined : identity),
  }
  const sessions = createSessions({
    tokens: {
      ...tokens,
      sign(...given) {
        signs++
        return tokens.sign(...given)
      },
    },
    sealer: createSealer(privateKeys, 'session'),
    cookies,
    users,
    providers: () => known,
    links: store.links,
    revocations,
    settings: { idleMs: 8 * HOUR, absoluteMs: 24 * HOUR },
    clock,
    log,
    metrics,
  })
  const throttle = createThrottle({ privateKeys, clock })
  const settings = { siteTitle: 'Lerna Outfitters' }
  const { handle } = createLoginDoor({
    ...{ sessions, users, providers: known, cookies, throttle, privateKeys, settings, clock, log, metrics },
    ...door,
  })

  /** A browser: cookies by name and path, sent where they belong. */
  const browser = () => {
    const jar = new Map<string, { value: string; path: string; until: number }>()
    const isFor = (at: string, path: string) =>
      at === path || at.startsWith(path.endsWith('/') ? path : `${path}/`)
    const cookiesAt = (path: string): string | undefined => {
      const pairs = [...jar]
        .filter(([, cookie]) => isFor(path, cookie.path) && cookie.until > clock.now())
        .map(([name, { value }]) => `${name}=${value}`)
      return pairs.length > 0 ? pairs.join('; ') : undefined
    }
    const exchangeOf = (target: string, { method = 'GET', headers = {} }: Asked = {}): Exchange => {
      const url = new URL(target, 'http://shop.example')
      const cookie = [cookiesAt(url.pathname), headers.cookie].filter((line) => line !== undefined)
      const all: [string, string][] = Object.entries({
        ...headers,
        ...(cookie.length ? { cookie: cookie.join('; ') } : {}),
      })
      return {
        ...{ id: 'X', client: '192.0.2.1', method, path: url.pathname, query: url.search, secure: host },
        ...{ authority: 'shop.example', host: 'shop.example' },
        headers: {
          get: (name: string) => all.find(([is]) => is === name)?.[1],
          all: (name: string) => all.filter(([is]) => is === name).map(([, value]) => value),
          flat: all.flat(),
        },
      } as unknown as Exchange
    }
    const take = (lines: readonly string[]): void => {
      for (const line of lines) {
        const [, name, value, path, age] =
          /^([^=]+)=([^;]*); Path=([^;]+)(?:; Max-Age=(\d+))?; HttpOnly; SameSite=Lax/.exec(line)!
        const until = age === undefined ? Number.POSITIVE_INFINITY : clock.now() + Number(age) * 1000
        jar.set(name!, { value: value!, path: path!, until })
      }
    }
    /** Asks a door as a program does, and keeps the cookies. */
    const ask = async (target: string, asked: Asked = {}): Promise<Response> => {
      const exchange = exchangeOf(target, asked)
      const form =
        typeof asked.form === 'string' ? asked.form : asked.form && new URLSearchParams(asked.form).toString()
      const request = new Request(new URL(target, 'http://shop.example'), {
        method: exchange.method,
        headers: {
          ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
          ...asked.headers,
        },
        ...(form === undefined ? {} : { body: form }),
      })
      const response = (await handle(request, exchange))!
      take(response.headers.getSetCookie())
      return response
    }
    const PERSON = { accept: 'text/html,application/xhtml+xml', 'sec-fetch-mode': 'navigate' }
    return {
      jar,
      at: exchangeOf,
      take: ({ cookies: lines }: { readonly cookies: readonly string[] }) => take(lines),
      ask,
      /** Asks as a person who opens a page. */
      open: (target: string, asked: Asked = {}) =>
        ask(target, { ...asked, headers: { ...PERSON, ...asked.headers } }),
      /** Fills in the form of a page and sends it, as a page of the site does. */
      async send(
        page: Response | string,
        fields: Record<string, string>,
        headers: Record<string, string> = {},
      ) {
        const text = typeof page === 'string' ? page : await page.text()
        const hidden = [...text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)]
        const form = {
          ...Object.fromEntries(hidden.map(([, name, value]) => [name!, unescapeHtml(value!)])),
          ...fields,
        }
        const own = { origin: 'http://shop.example', 'sec-fetch-site': 'same-origin' }
        return ask('/login', { method: 'POST', form, headers: { ...PERSON, ...own, ...headers } })
      },
    }
  }
  return {
    ...{ clock, store, tokens, revocations, sessions, users, browser, gone, refused, record, lines },
    signs: () => signs,
  }
}

function unescapeHtml(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}
