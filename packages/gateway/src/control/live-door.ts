/**
 * The doors of open pages: their stream, and the scripts and style sheet that are the same for everybody.
 *
 * @module
 */
import { LIVE_FRAGMENTS_PATH, LIVE_PATH, LIVE_SCRIPT_PATH } from '@hydra-gateway/protocol'
import type { RouteGuard } from '../identity/port.ts'
import type { LiveHub } from '../live/port.ts'
import { SOCKET_SCRIPT_PATH } from '../messaging/socket-paths.ts'
import type { Exchange, ExchangeHandler } from '../proxy/exchange.ts'
import { allowsLook, answerCached, etagOf } from './cached-answer.ts'

/** Style sheet that marks what is away without moving anything; pages link it if they want. */
export const MENU_STYLE_PATH = '/_hydra/menu.css'

export interface LiveDoorDeps {
  readonly hub: Pick<LiveHub, 'open'>
  /** Finds out who opens a stream. @default nobody is anybody */
  readonly identify?: RouteGuard['identify'] | undefined
  /** Text of the script of all pages, of the one for fragments that are back, and of the style sheet. */
  readonly script: string
  readonly fragmentsScript: string
  readonly styles: string
  /** Of the client of messages. @default it is not served here */
  readonly socketScript?: string
}

/** A gateway that is replaced has another script: the old one has to be able to go on for so long. */
const FOR_AN_HOUR = 'public, max-age=3600'

/** Makes the handlers, by path. No request in fetch form is built: pages open their streams by the thousand. */
export function createLiveDoor({
  hub,
  identify,
  script,
  fragmentsScript,
  styles,
  socketScript,
}: LiveDoorDeps): ReadonlyMap<string, ExchangeHandler> {
  const open: ExchangeHandler = (exchange) => {
    const waiting = identify?.(exchange)
    if (waiting === undefined) return hub.open(exchange)
    return waiting.then(() => {
      if (!exchange.ended) hub.open(exchange)
    })
  }
  return new Map<string, ExchangeHandler>([
    [LIVE_PATH, open],
    [LIVE_SCRIPT_PATH, fileHandler('text/javascript; charset=utf-8', script)],
    [LIVE_FRAGMENTS_PATH, fileHandler('text/javascript; charset=utf-8', fragmentsScript)],
    [MENU_STYLE_PATH, fileHandler('text/css; charset=utf-8', styles)],
    ...(socketScript === undefined
      ? []
      : [[SOCKET_SCRIPT_PATH, fileHandler('text/javascript; charset=utf-8', socketScript)] as const]),
  ])
}

function fileHandler(type: string, text: string): ExchangeHandler {
  const etag = etagOf(text)
  const headers = {
    'content-type': type,
    'cache-control': FOR_AN_HOUR,
    // Pages of other sites have no use for it.
    'cross-origin-resource-policy': 'same-origin',
  }
  return (exchange: Exchange) => {
    if (allowsLook(exchange)) answerCached(exchange, headers, text, etag)
  }
}
