/**
 * `GET /_hydra/menus/{name}`: a menu as its visitor may see it, as JSON or as HTML; `GET /_hydra/menus`: which there are.
 *
 * @module
 */
import { MENUS_PATH, menuMarkup } from '@hydra-gateway/protocol'
import type { RouteGuard } from '../identity/port.ts'
import type { SiteMenus } from '../menus/port.ts'
import { answerProblem } from '../pages/local-problem.ts'
import { prefersHtml } from '../pages/negotiate.ts'
import type { Exchange, ExchangeHandler } from '../proxy/exchange.ts'
import { allowsLook, answerCached } from './cached-answer.ts'

export interface MenuDoorDeps {
  readonly menus: Pick<SiteMenus, 'view' | 'names'>
  /** Finds out who asks. @default nobody is anybody */
  readonly identify?: RouteGuard['identify'] | undefined
}

/** Whether a path is one of menus. */
export function isMenuPath(path: string): boolean {
  return path.startsWith(MENUS_PATH) || path === ALL_PATH
}

const ALL_PATH = MENUS_PATH.slice(0, -1)

/** For one visitor, and right for as long as the gateway says so. */
const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'private, no-cache',
  vary: 'Cookie, Accept',
}

/** Makes the handler of all paths that `isMenuPath`. */
export function createMenuDoor({ menus, identify }: MenuDoorDeps): ExchangeHandler {
  function answer(exchange: Exchange): void {
    const { path, caller } = exchange
    const name = path === ALL_PATH ? '' : nameIn(path)
    if (name === '') {
      answerCached(exchange, JSON_HEADERS, JSON.stringify({ menus: menus.names(caller) }))
      return
    }
    const view = name === undefined ? undefined : menus.view(name, caller)
    if (!view) {
      answerProblem(exchange, 'HYDRA_NO_ROUTE', 'no service ever had an item in a menu of that name', HEADERS)
      return
    }
    const query = new URLSearchParams(exchange.query)
    const format = query.get('format')
    if (format !== null && format !== 'html' && format !== 'json') {
      answerProblem(exchange, 'HYDRA_BAD_REQUEST', 'format is html or json', HEADERS)
      return
    }
    const isHtml = format ? format === 'html' : prefersHtml(exchange.headers.all('accept').join())
    if (!isHtml) {
      answerCached(exchange, JSON_HEADERS, JSON.stringify(view))
      return
    }
    const current = query.get('current')
    answerCached(exchange, HTML_HEADERS, menuMarkup(view, current === null ? {} : { current }))
  }

  return (exchange) => {
    if (!allowsLook(exchange)) return undefined
    const waiting = identify?.(exchange)
    if (waiting === undefined) return answer(exchange)
    return waiting.then(() => {
      if (!exchange.ended) answer(exchange)
    })
  }
}

const JSON_HEADERS = { ...HEADERS, 'content-type': 'application/json' }
/** A fragment for pages to put in; opened by itself nothing in it may run. */
const HTML_HEADERS = {
  ...HEADERS,
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
}

/** The name in a path; undefined for one that holds more. */
function nameIn(path: string): string | undefined {
  const text = path.slice(MENUS_PATH.length)
  return text.includes('/') ? undefined : decodeURIComponent(text)
}
