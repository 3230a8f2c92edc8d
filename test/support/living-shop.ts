/**
 * The shop of the demo with browsers in it: real processes, killed and brought back, and what pages that stay open make
 * of that.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { startProcess } from './process.ts'

const DEMO = fileURLToPath(new URL('../../demo/demo.ts', import.meta.url))
const SERVICES = ['home', 'catalog', 'orders', 'account'] as const

export interface LivingShop {
  readonly url: string
  /** SIGKILL for one process of a service. Resolves with the moment, epoch ms. */
  kill(service: string): Promise<number>
  /** Starts it again; resolves when the gateway has it. */
  revive(service: string): Promise<void>
  /** All that are dead, so that one test leaves nothing to the next. */
  reviveAll(): Promise<void>
}

/** Opens the shop, and closes it when the test ends. */
export async function openLivingShop(t: { after(done: () => unknown): void }): Promise<LivingShop> {
  const demo = startProcess(t, { args: [DEMO, '--port', '0'] })
  const [, url = ''] = await demo.printed(/the shop is at (http:\S+);/)
  for (const service of SERVICES) await demo.printed(new RegExp(`available ${service} `))

  /** Says a line, and resolves with the next one that fits. */
  async function say(line: string, pattern: string): Promise<RegExpExecArray> {
    const before = demo.output().length
    demo.child.stdin!.write(`${line}\n`)
    return demo.printed(new RegExp(`(?<=^[^]{${before},})${pattern}`))
  }

  const dead = new Set<string>()
  async function revive(service: string): Promise<void> {
    await say(`revive ${service}`, `available ${service} \\S+ registered`)
    dead.delete(service)
  }

  return {
    url,
    revive,
    async kill(service) {
      const [, at = ''] = await say(`kill ${service}`, `(\\S+Z) ${service} kill -9`)
      dead.add(service)
      return Date.parse(at)
    },
    async reviveAll() {
      for (const service of dead) await revive(service)
    },
  }
}

/** When an item of a menu went off or on again in a page, epoch ms. */
export interface Turn {
  readonly path: string
  readonly isOn: boolean
  readonly at: number
}

const WATCH = `
  window.turns = []
  window.shifts = []
  new MutationObserver((records) => {
    for (const { target } of records)
      if (target.matches('hydra-menu a[data-hydra-link]'))
        turns.push({ path: target.dataset.hydraLink, isOn: target.ariaDisabled !== 'true', at: Date.now() })
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ['aria-disabled'] })
  new PerformanceObserver((list) => shifts.push(...list.getEntries().map(({ value }) => value)))
    .observe({ type: 'layout-shift', buffered: true })
`

/** Has each page of a tab note what becomes of its menus, and what moves in it. */
export async function watchMenus(page: Page): Promise<void> {
  await page.addInitScript(WATCH)
}

/** Waits until an item has turned; resolves with when it did. */
export async function turned(page: Page, path: string, isOn: boolean): Promise<number> {
  const found = `turns.findLast((turn) => turn.path === ${JSON.stringify(path)})`
  await page.waitForFunction(`${found}?.isOn === ${isOn}`)
  return (await page.evaluate<Turn>(found)).at
}

/** What has moved in a page since it was asked last; 0 is nothing at all. */
export async function movedIn(page: Page): Promise<number> {
  // Entries are told after the frame they belong to.
  await page.evaluate(
    'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))',
  )
  return page.evaluate('shifts.splice(0).reduce((sum, value) => sum + value, 0)')
}

/** Signs somebody in at the shop; the page is the account then. */
export async function signInAt(page: Page, url: string, username: string, password: string): Promise<void> {
  await page.goto(`${url}/account`)
  await page.getByLabel('User name').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByText(`You are signed in as ${username}`).waitFor()
  assert.equal(new URL(page.url()).pathname, '/account')
}
