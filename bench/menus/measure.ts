/**
 * Tabs of one browser with a menu in them, and a service that is killed and comes back, many times.
 *
 * The clock is that of the machine, read by this process before the kill and by the page when an observer sees the link
 * change.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { chromium as browsers, type Page } from 'playwright-core'
import { KILLED, SERVICES } from '../live/site.ts'
import { type Child, startChild } from '../support/child.ts'
import { KEYS, startHydra } from '../support/hydra.ts'
import { type Percentiles, percentilesOf } from '../support/percentiles.ts'
import { type Cores, pin } from '../support/processes.ts'

export interface MeasureOptions {
  readonly tabs: number
  readonly kills: number
  /** Path of the browser. */
  readonly chromium: string
  readonly cores: Cores | undefined
  readonly onTurn: (done: number, all: number) => void
}

export interface MeasuredMenus {
  readonly tabs: number
  readonly kills: number
  /** From the kill to the disabled link in each tab, and in the last tab of each kill, ms. */
  readonly off: Percentiles
  readonly last: Percentiles
  /** What the system took of that to end the process, ms. */
  readonly ended: Percentiles
  /** From the moment the service is registered again to the link, ms; it may be there before its service hears of it. */
  readonly on: Percentiles
  /** Streams the gateway had for all tabs. */
  readonly streams: number
}

/** Pages that were told something just now would be told later. */
const QUIET_MS = 300
const WARM_KILLS = 3
const LINK = `hydra-menu a[data-hydra-link="/${KILLED}"]`
const WATCH = `
  window.turns = { off: [], on: [] }
  new MutationObserver((records) => {
    for (const { target } of records)
      if (target.matches('${LINK}')) turns[target.ariaDisabled === 'true' ? 'off' : 'on'].push(Date.now())
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ['aria-disabled'] })`

/** Starts everybody, measures, and ends them, also when something goes wrong. */
export async function measure(options: MeasureOptions): Promise<MeasuredMenus> {
  const { tabs, kills, chromium, cores, onTurn } = options
  const folder = mkdtempSync(join(tmpdir(), 'hydra-bench-'))
  const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  try {
    const own = join(folder, 'hydra')
    mkdirSync(own)
    const gateway = await startHydra({ folder: own, logFile: join(own, 'log') }, {})
    if ('refused' in gateway) throw new Error(gateway.refused)
    ends.push(gateway.end)
    pin(gateway.pids, cores?.proxy)
    const url = `http://127.0.0.1:${gateway.port}`
    const start = async (program: URL, name: string): Promise<Child<object>> => {
      const service = await startChild<object>(program, [url, KEYS.publicKey, KEYS.privateKey, name])
      pin([service.pid], cores?.others)
      ends.push(service.end)
      return service
    }
    const startService = (name: string) => start(new URL('../live/service.ts', import.meta.url), name)
    await start(new URL('front.ts', import.meta.url), 'front')
    for (const name of SERVICES) if (name !== KILLED) await startService(name)
    let victim = await startService(KILLED)

    const browser = await browsers.launch({
      executablePath: chromium,
      args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking'],
    })
    ends.push(() => browser.close())
    const context = await browser.newContext()
    const pages: Page[] = []
    for (let i = 0; i < tabs; i++) {
      const page = await context.newPage()
      await page.addInitScript(WATCH)
      await page.goto(`${url}/front`)
      await page.waitForSelector(`${LINK}[href]`)
      pages.push(page)
    }
    const turned = async (which: 'off' | 'on'): Promise<number[]> => {
      const times: number[] = []
      for (const page of pages) {
        await page.waitForFunction(`turns.${which}.length > 0`)
        times.push(await page.evaluate<number>(`turns.${which}.splice(0)[0]`))
      }
      return times
    }
    /** One death and one return: ms after each, by tab. */
    const turn = async () => {
      await delay(QUIET_MS)
      const killedAt = Date.now()
      let ended = 0
      const gone = victim.end().then(() => {
        ended = Date.now() - killedAt
      })
      const off = (await turned('off')).map((at) => at - killedAt)
      await gone
      victim = await startService(KILLED)
      const backAt = Date.now()
      const on = (await turned('on')).map((at) => Math.max(0, at - backAt))
      return { off, on, ended }
    }

    for (let i = 0; i < WARM_KILLS; i++) await turn()
    const streams = await countStreams(url)
    const off: number[] = []
    const on: number[] = []
    const last: number[] = []
    const ended: number[] = []
    for (let i = 0; i < kills; i++) {
      onTurn(i + 1, kills)
      const turned = await turn()
      off.push(...turned.off)
      on.push(...turned.on)
      ended.push(turned.ended)
      last.push(Math.max(...turned.off))
    }
    return {
      ...{ tabs, kills, streams },
      ...{
        off: percentilesOf(off),
        last: percentilesOf(last),
        ended: percentilesOf(ended),
        on: percentilesOf(on),
      },
    }
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

async function countStreams(url: string): Promise<number> {
  const { publicKey, privateKey } = KEYS
  const authorization = `Basic ${Buffer.from(`${publicKey}:${privateKey}`).toString('base64')}`
  const answer = await fetch(`${url}/_hydra/metrics`, { headers: { authorization } })
  return Number(/^hydra_live_pages (\d+)/m.exec(await answer.text())?.[1])
}
