/**
 * What a browser does with redirects and cookies, without one: for tests of the wire, where it counts what is sent.
 *
 * @module
 */

import { type IncomingHttpHeaders, request } from 'node:http'

export interface Step {
  readonly url: string
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

export interface Kept {
  readonly value: string
  readonly path: string
  readonly attributes: string
}

export interface CookieBrowser {
  /** By `host name`, then by name: browsers don't tell ports apart. */
  readonly jar: Map<string, Map<string, Kept>>
  /** One request, as a navigation; redirects are not followed. */
  get(url: string, headers?: Readonly<Record<string, string>>): Promise<Step>
  /** Sends a form that stands on a page of the same origin. */
  post(url: string, fields?: Readonly<Record<string, string>>): Promise<Step>
  /** Follows redirects until there are none, or `stop` says so. Resolves with all steps. */
  open(url: string, options?: OpenOptions): Promise<readonly Step[]>
  /** Fills in the form at `/login` of a gateway and sends it; resolves with the answer: 303 for who is signed in then. */
  signIn(origin: string, who: SignIn): Promise<Step>
  /** Names of the cookies of a host. */
  names(host?: string): readonly string[]
  /** All cookies of a host, as the value of `Cookie`. */
  cookie(host?: string): string
}

export interface SignIn {
  readonly username: string
  readonly password: string
}

export interface OpenOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** Called with where the browser would go next. */
  readonly stop?: (next: string) => boolean
}

const MAX_STEPS = 20

/** Page of a navigation, as browsers ask for it. */
export const NAVIGATION: Readonly<Record<string, string>> = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
}

export function createCookieBrowser(): CookieBrowser {
  const jar = new Map<string, Map<string, Kept>>()

  const get = (url: string, headers: Readonly<Record<string, string>> = {}): Promise<Step> =>
    send(url, headers)

  const post = (url: string, fields: Readonly<Record<string, string>> = {}): Promise<Step> =>
    send(
      url,
      {
        'content-type': 'application/x-www-form-urlencoded',
        origin: new URL(url).origin,
        'sec-fetch-site': 'same-origin',
      },
      new URLSearchParams(fields).toString(),
    )

  async function send(url: string, headers: Readonly<Record<string, string>>, body?: string): Promise<Step> {
    const { hostname, pathname } = new URL(url)
    const kept = jar.get(hostname) ?? new Map<string, Kept>()
    jar.set(hostname, kept)
    const sent = [...kept].filter(([, { path }]) => isBelow(pathname, path))
    const cookie = sent.map(([name, { value }]) => `${name}=${value}`).join('; ')
    const step = await ask(url, { ...NAVIGATION, ...(cookie === '' ? {} : { cookie }), ...headers }, body)
    for (const line of step.headers.getSetCookie()) keep(kept, pathname, line)
    return step
  }

  async function open(url: string, { headers, stop }: OpenOptions = {}): Promise<readonly Step[]> {
    const steps: Step[] = []
    for (let next = url; steps.length < MAX_STEPS; ) {
      const step = await get(next, headers)
      steps.push(step)
      const location = step.headers.get('location')
      if (step.status < 300 || step.status > 399 || location === null) return steps
      next = new URL(location, next).href
      if (stop?.(next)) return steps
    }
    throw new Error(`redirected without end: ${steps.map((step) => step.url).join('\n')}`)
  }

  return {
    jar,
    get,
    post,
    open,
    async signIn(origin, { username, password }) {
      const page = (await open(`${origin}/login`)).at(-1)!
      return post(`${origin}/login`, { ...hiddenFields(page), username, password })
    },
    names: (host = '127.0.0.1') => [...(jar.get(host)?.keys() ?? [])],
    cookie: (host = '127.0.0.1') =>
      [...(jar.get(host) ?? [])].map(([name, { value }]) => `${name}=${value}`).join('; '),
  }
}

/** What a page has put into its forms, by name. */
export function hiddenFields({ body }: Pick<Step, 'body'>): Record<string, string> {
  const found = body.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)
  return Object.fromEntries([...found].map(([, name, value]) => [name!, value!.replaceAll('&amp;', '&')]))
}

/** `fetch` would say for itself what kind of request it is. */
function ask(
  url: string,
  headers: Readonly<Record<string, string>>,
  sent: string | undefined,
): Promise<Step> {
  return new Promise((resolve, reject) => {
    const call = request(url, { method: sent === undefined ? 'GET' : 'POST', headers, agent: false })
    call.on('error', reject).on('response', (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        body += chunk
      })
      response.on('error', reject).on('end', () => {
        resolve({ url, status: response.statusCode!, headers: headersOf(response.headers), body })
      })
    })
    call.end(sent)
  })
}

function headersOf(raw: IncomingHttpHeaders): Headers {
  const headers = new Headers()
  for (const [name, values] of Object.entries(raw)) {
    for (const value of [values ?? []].flat()) headers.append(name, value)
  }
  return headers
}

function keep(kept: Map<string, Kept>, pathname: string, line: string): void {
  const [pair = '', ...rest] = line.split(';')
  const equals = pair.indexOf('=')
  const [name, value] = [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()]
  const attribute = (wanted: string): string | undefined =>
    rest
      .map((one) => one.trim().split('='))
      .find(([key]) => key?.toLowerCase() === wanted)
      ?.slice(1)
      .join('=')
  const age = attribute('max-age')
  const expires = attribute('expires')
  const isGone =
    age === undefined ? expires !== undefined && Date.parse(expires) < Date.now() : Number(age) <= 0
  const path = attribute('path') ?? pathname.slice(0, Math.max(1, pathname.lastIndexOf('/')))
  if (isGone) kept.delete(name)
  else kept.set(name, { value, path, attributes: rest.join(';').trim() })
}

function isBelow(pathname: string, path: string): boolean {
  return pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`)
}
