/**
 * Menus with the style sheet of the gateway, in a real browser and in every state: no rule of accessibility is broken,
 * nothing moves when an item goes away and comes back, every target is large enough, and a phone has room for them.
 *
 * With HYDRA_SHOTS set to a folder, pictures of all states are put there.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  attributesText,
  type LinkState,
  linkAttributes,
  type MenuViewItem,
  menuMarkup,
  reasonOf,
} from '@hydra-gateway/protocol'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { violations } from '../support/axe.ts'
import { launchChromium } from '../support/chromium.ts'

const SHOTS = process.env.HYDRA_SHOTS
const SHEET = await readFile(new URL('../../packages/gateway/assets/menu.css', import.meta.url), 'utf8')

type States = Readonly<Record<string, LinkState>>

const item = (label: string, states: States, more: Partial<MenuViewItem> = {}): MenuViewItem => {
  const state = states[label] ?? 'available'
  const reason = reasonOf(state, label)
  return { path: `/${label.toLowerCase()}`, label, state, ...(reason && { reason }), ...more }
}
const everybody = (states: States) => ['Catalog', 'Orders', 'Buy', 'Help'].map((label) => item(label, states))
const signedIn = (states: States) => [
  ...everybody(states),
  item('Returns', states, { parent: '/orders' }),
  item('Profile', states, { group: 'Your account' }),
  item('Addresses', states, { group: 'Your account' }),
]

const STATES: Readonly<Record<string, readonly MenuViewItem[]>> = {
  'all up': everybody({}),
  'one down': everybody({ Orders: 'down' }),
  degraded: everybody({ Orders: 'degraded', Buy: 'down' }),
  'signed in': signedIn({ Orders: 'down', Returns: 'down', Addresses: 'degraded' }),
  'all down': everybody({ Catalog: 'down', Orders: 'down', Buy: 'down', Help: 'down' }),
  long: [item('Nordrhein-westfälische-vereinigte-stadtwerke', {}), ...signedIn({ Buy: 'down' })],
  empty: [],
}
const LOOKS: Readonly<Record<string, BrowserContextOptions>> = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  phone: { colorScheme: 'light', viewport: { width: 360, height: 740 } },
  'forced colours': { forcedColors: 'active' },
}

/** A page of somebody who knows nothing of our colours, and says that it can be dark. */
function pageWith(items: readonly MenuViewItem[], { scheme = 'light dark' } = {}): string {
  return `<!doctype html><html lang="en"><head><title>Shop</title><meta name="viewport" content="width=device-width">
<style>:root{color-scheme:${scheme};font-family:sans-serif}body{margin:1rem;background:Canvas;color:CanvasText}</style><style>${SHEET}</style></head>
<body><header><nav aria-label="Main">${menuMarkup({ name: 'main', items: [...items] }, { current: '/catalog' })}</nav></header>
<main><h1>What we sell</h1><p>What is here stays where it is, and <a ${OFF}>what is away</a> comes back.</p></main></body></html>`
}

const OFF = attributesText(
  linkAttributes({ state: 'down', reason: 'Parcels is away for a moment' }, '/parcels'),
)

let browser: Browser
before(async () => {
  browser = await launchChromium()
})
after(() => browser?.close())

async function look(options: BrowserContextOptions, at: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
  try {
    await at(await context.newPage())
  } finally {
    await context.close()
  }
}

interface Box {
  readonly label: string
  readonly box: readonly number[]
}

/** Where everything of the page stands. */
const boxes = (page: Page): Promise<Box[]> =>
  page.evaluate(`[...document.querySelectorAll('hydra-menu, hydra-menu a, h1')].map((element) => {
    const { x, y, width, height } = element.getBoundingClientRect()
    return { label: element.textContent, box: [x, y, width, height] }
  })`)

for (const [name, options] of Object.entries(LOOKS)) {
  test(`menus can be read by everyone in every state: ${name}`, async () => {
    await look(options, async (page) => {
      for (const [state, items] of Object.entries(STATES)) {
        await page.setContent(pageWith(items))
        if (SHOTS) {
          const file = `menu-${state}-${name}.png`.replaceAll(' ', '-')
          await page.screenshot({ path: join(SHOTS, file), fullPage: true })
        }
        // With forced colours axe reads the colours of ours.
        if (!options.forcedColors) assert.deepEqual(await violations(page), [], state)
        const overhang = await page.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        )
        assert.equal(overhang, 0, state)
        for (const { label, box } of await boxes(page)) {
          const [, , , height = 0] = box
          if (items.some((each) => each.label === label))
            assert.ok(height >= 44, `${label} is ${height} px high`)
        }
      }
    })
  })
}

test('nothing moves when items go away, are slow, and come back', async () => {
  for (const options of [LOOKS.light, LOOKS.phone] as BrowserContextOptions[]) {
    await look(options, async (page) => {
      await page.setContent(pageWith(signedIn({})))
      const up = await boxes(page)
      for (const state of ['down', 'degraded'] as const) {
        const labels = signedIn({}).map(({ label }) => [label, state])
        await page.setContent(pageWith(signedIn(Object.fromEntries(labels))))
        assert.deepEqual(await boxes(page), up, state)
      }
    })
  }
})

test('the words below an item stand in its own room', async () => {
  await look({}, async (page) => {
    await page.setContent(pageWith(everybody({ Buy: 'down' })))
    const [room, words] = (await page.evaluate(`(() => {
      const link = document.querySelector('[aria-disabled]')
      const text = document.createElement('span')
      const style = getComputedStyle(link, '::after')
      text.style.cssText = 'position:absolute;white-space:nowrap;padding:0;font-size:' + style.fontSize
      text.textContent = style.content.slice(1, -1)
      document.body.append(text)
      return [link.getBoundingClientRect().width - parseFloat(style.insetInlineStart), text.getBoundingClientRect().width]
    })()`)) as [number, number]
    assert.ok(words <= room, `${words} px in ${room} px`)
  })
})

test('a page that is light stays readable for who likes it dark', async () => {
  await look({ colorScheme: 'dark' }, async (page) => {
    await page.setContent(pageWith(STATES['signed in'] ?? [], { scheme: 'light' }))
    assert.deepEqual(await violations(page), [])
  })
})
