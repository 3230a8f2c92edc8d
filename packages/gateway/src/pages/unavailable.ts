/**
 * 503: a service that is known and nobody serves. The page waits for it and opens itself again, once.
 *
 * `data-phase` is waiting, long (after two minutes) or back; all three texts are in the page, so the script
 * changes one attribute. A hidden link that `/_hydra/live.js` keeps true says when to look, over the one stream that all
 * pages of a browser share; where that can't be had the page asks by itself. Without a script it asks again after the
 * Retry-After time. Only after GET: what a visitor sent is never sent again.
 *
 * @module
 */
import { isLocalPath, LINK_MARK, LIVE_SCRIPT_PATH } from '@hydra-gateway/protocol'
import { creature, shape } from './creature.ts'
import { html, trusted } from './html.ts'
import { inlineScript } from './inline.ts'
import { type ErrorFacts, isRepeatable, type Page, renderPage, supportFacts, waysOn } from './layout.ts'

const SCRIPT = inlineScript('unavailable.js')
const LIVE_SCRIPT = trusted(`<script src="${LIVE_SCRIPT_PATH}" data-quiet async></script>\n`)
const MARK = trusted(LINK_MARK)
const LONG_SECONDS = 120
const HALF_DAY_SECONDS = 43_200

export interface UnavailableFacts extends ErrorFacts {
  /** When it stopped answering, epoch ms; absent when that is not known. */
  readonly downSince: number | undefined
  /** Epoch ms. */
  readonly now: number
  readonly retryAfterSeconds: number
  /** Time over which pages that wait come back when the service does. */
  readonly spreadMs: number
}

export function unavailablePage(facts: UnavailableFacts): Page {
  const { siteTitle, downSince, now, retryAfterSeconds, spreadMs, path } = facts
  const service = facts.service ?? 'This page'
  const title = `${service} is away for a moment`
  const awaySeconds = downSince === undefined ? 0 : Math.max(0, Math.floor((now - downSince) / 1000))
  const waits = isRepeatable(facts)
  // A page that lacks a part is there itself: its link says nothing of the part.
  const isTold = waits && !facts.isPart && isLocalPath(path)
  const elsewhere = facts.openPages.find((page) => page.path !== path)

  const since =
    downSince === undefined
      ? html`is not answering right now`
      : html`stopped answering at <time class="num" datetime="${new Date(downSince).toISOString()}">${clockTime(downSince, awaySeconds)}</time>`
  const happened = html`The service behind ${facts.isPart ? 'a part of this page it can’t be shown without' : 'this page'} ${since}.${elsewhere && ' Other pages of this site are open.'}`
  const waiting = html`<div role="status">
<div class="note recovering" data-show="waiting">${shape('recovering')}<strong>We’ll bring you back</strong><span>We keep looking for it. When it answers, this page opens by itself. You can leave the tab open.</span></div>
<div class="note degraded" data-show="long">${shape('degraded')}<strong>This is taking longer than usual</strong><span>We keep looking and will still bring you back.</span></div>
<div class="note available" data-show="back">${shape('available')}<strong>Opening your page</strong><span>If nothing happens, use the button.</span></div>
</div>
<p class="actions"><a class="button" href="" data-show="waiting long">Try now</a><a class="button" href="" data-show="back">Open ${(facts.isPart ? undefined : facts.service) ?? 'the page'}</a>${elsewhere && html` <a class="button quiet" href="${elsewhere.path}">Go to ${elsewhere.label}</a>`}</p>${isTold && html`<a hidden ${MARK}="${path}" href="${path}"></a>`}`
  const advice = facts.isPart
    ? 'What you sent has arrived, and we won’t send it again by ourselves. Please look before you do.'
    : `What you sent was not passed on to anyone, and we won’t send it by ourselves. Please send it again when ${facts.service ?? 'this page'} is back.`
  const sent = html`<p>${advice}</p>
${waysOn(facts, undefined)}`

  const main = html`<div class="words">
<h1 data-show="waiting long">${title}</h1>
<h1 data-show="back">${service} is back</h1>
<p class="lead" data-show="waiting long">${happened}</p>
${waits ? waiting : sent}
</div>
${creature('growing')}`
  return renderPage({
    siteTitle,
    title,
    main,
    footer: html`${supportFacts(facts)}${downSince !== undefined && html`<span data-show="waiting long">Away for <span class="num" data-away-for>${duration(awaySeconds)}</span></span>`}`,
    head: html`${waits && html`<noscript><meta http-equiv="refresh" content="${retryAfterSeconds}"></noscript>\n`}${isTold && LIVE_SCRIPT}`,
    data: html` data-phase="${awaySeconds > LONG_SECONDS ? 'long' : 'waiting'}" data-away="${awaySeconds}" data-spread="${spreadMs}"`,
    isLive: isTold,
    ...(waits ? { script: SCRIPT } : {}),
  })
}

/** In the zone of the server, and saying so; the script turns it into the visitor's own. */
function clockTime(at: number, awaySeconds: number): string {
  const [day, time] = new Date(at).toISOString().split('T') as [string, string]
  return awaySeconds > HALF_DAY_SECONDS ? `${day} ${time.slice(0, 5)} UTC` : `${time.slice(0, 8)} UTC`
}

/** `0:42`, `12:05`, `26:00:01`. */
export function duration(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60) % 60
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`
}
