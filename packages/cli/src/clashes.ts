/**
 * Services that get in each other's way in a visitor's browser: to it they are one site.
 *
 * @module
 */
import { isServing, PROBLEM_HEADER, type RouteInfo } from '@hydra-gateway/protocol'
import { ask } from './ask.ts'

/** What one page of a service said. */
export interface Visit {
  readonly service: string
  readonly path: string
  readonly status: number
  /** `Set-Cookie` lines. */
  readonly cookies: readonly string[]
  /** Other headers by lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** Headers by which one service decides for all of them, and what a visitor would notice. */
const FOR_THE_WHOLE_SITE: Readonly<Record<string, string>> = {
  'strict-transport-security': 'it makes browsers refuse http for every service here; set it where TLS ends',
  'content-security-policy':
    'it governs pages that other services put fragments into; agree on one policy for the site',
  'clear-site-data': 'it clears cookies and storage of every service here',
}

/** What is answered to nobody in particular: by a rule of the operator, too, which the list of routes need not show. */
const FOR_WHO_IS_SIGNED_IN: ReadonlySet<string> = new Set(['HYDRA_LOGIN_REQUIRED', 'HYDRA_FORBIDDEN'])

/** Asks each service that serves for one of its pages, through the gateway, as a browser would. */
export async function askPages(
  gateway: string,
  routes: readonly RouteInfo[],
): Promise<{ visits: Visit[]; notAsked: string[] }> {
  const names = [...new Set(routes.map(({ service }) => service))].sort()
  const visits: Visit[] = []
  const notAsked: string[] = []
  for (const service of names) {
    const page = pageOf(routes.filter((route) => route.service === service))
    if (typeof page === 'string') notAsked.push(`${service} was not asked: ${page}.`)
    else if (page.isClosed)
      notAsked.push(`${service}: ${page.path} is for people signed in, so it was not asked.`)
    else {
      const answer = await visit(gateway, service, page.path, page.host).catch(
        (error: NodeJS.ErrnoException) => {
          notAsked.push(`${service} did not answer at ${page.path} (${error.code ?? error.message}).`)
        },
      )
      const problem = answer?.headers[PROBLEM_HEADER]
      const status = answer?.status ?? 0
      // What stands in its headers is the gateway's own.
      if (problem !== undefined && FOR_WHO_IS_SIGNED_IN.has(problem))
        notAsked.push(`${service}: ${page.path} is for people signed in, so it was not asked.`)
      else if (problem !== undefined)
        notAsked.push(`${service} did not answer at ${page.path}: the gateway did (${problem}).`)
      // An error page is made by whatever caught the error: its headers are not those of the service's pages.
      else if (status >= 400)
        notAsked.push(`${service} answered ${status} at ${page.path}, so its headers were not looked at.`)
      else if (answer) visits.push(answer)
    }
  }
  return { visits, notAsked }
}

interface AskablePage {
  readonly path: string
  readonly host: string | undefined
  /** For people who are signed in, which we are not. */
  readonly isClosed: boolean
}

/** The shortest address of a page for everybody that can be asked for as it stands, or the reason why there is none. */
function pageOf(routes: readonly RouteInfo[]): AskablePage | string {
  const serving = routes.filter(({ state }) => isServing(state))
  if (serving.length === 0) return 'it does not serve'
  const pages = serving.filter(
    ({ kind, methods }) => kind === 'page' && (!methods || methods.includes('GET')),
  )
  const askable = pages
    .map(({ pattern, host, auth }) => ({
      path: pattern.replace(/\/\*\*$/, '') || '/',
      host,
      isClosed: auth === 'required',
    }))
    .filter(({ path }) => !/[{*]/.test(path))
    .sort((a, b) => Number(a.isClosed) - Number(b.isClosed) || a.path.length - b.path.length)
  return askable[0] ?? 'it has no page without parameters'
}

async function visit(
  gateway: string,
  service: string,
  path: string,
  host: string | undefined,
): Promise<Visit> {
  const headers = { accept: 'text/html', 'user-agent': 'hydra-check', ...(host ? { host } : {}) }
  const answer = await ask(new URL(encodeURI(path), gateway), { headers, wantsBody: false })
  const { 'set-cookie': cookies = [], ...others } = answer.headers
  const single = Object.entries(others).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(', ') : value,
  ])
  return { service, path, status: answer.status, cookies, headers: Object.fromEntries(single) }
}

/** Sentences about cookies of one name from several services, and headers that speak for the whole site. */
export function findClashes(visits: readonly Visit[]): string[] {
  const byName = new Map<string, { service: string; path: string }[]>()
  for (const { service, cookies } of visits) {
    for (const cookie of cookies) {
      const name = cookie.split('=', 1)[0]!.trim()
      // the gateway's own, set whoever answers
      if (!/^(__Host-|__Secure-)?HYDRA-/.test(name)) {
        byName.set(name, [...(byName.get(name) ?? []), { service, path: pathOf(cookie) }])
      }
    }
  }
  const sentences: string[] = []
  for (const [name, setters] of byName) {
    const clashing = setters.filter((one) =>
      setters.some((other) => other.service !== one.service && overlap(one.path, other.path)),
    )
    const services = [...new Set(clashing.map(({ service }) => service))]
    if (services.length > 1) {
      sentences.push(
        `${list(services)} set a cookie of the same name, ${name}: each overwrites the other's. Rename one, or give them a Path each.`,
      )
    }
  }
  for (const { service, path, headers } of visits) {
    for (const [header, consequence] of Object.entries(FOR_THE_WHOLE_SITE)) {
      if (headers[header] !== undefined)
        sentences.push(`${service} sends ${header} at ${path}: ${consequence}.`)
    }
  }
  return sentences
}

const pathOf = (cookie: string) => /;\s*path=([^;]*)/i.exec(cookie)?.[1]?.trim() || '/'

function overlap(one: string, other: string): boolean {
  const within = (inner: string, outer: string) =>
    inner === outer || inner.startsWith(outer.endsWith('/') ? outer : `${outer}/`)
  return within(one, other) || within(other, one)
}

const list = (names: readonly string[]) => `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
