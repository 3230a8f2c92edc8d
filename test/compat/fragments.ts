/**
 * Fragments across languages: a Java page with one of a TypeScript service, and a page of that service with those of
 * Java services, composed once by the gateway and once by the SDK.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { eventually } from '../support/eventually.ts'
import type { JavaProcess } from '../support/java.ts'
import { startProcess, type TestProcess } from '../support/process.ts'
import type { GatewayProcess } from './gateway-process.ts'

export interface FragmentWorld {
  /** With the Java services `one`, which refuses posts without a CSRF token, and `two`. */
  readonly gateway: () => GatewayProcess
  readonly browser: () => Browser
  /** Where `one` listens. */
  readonly portOfOne: () => number
  /** The Java service `two`, whose fragment stands in the TypeScript page. */
  readonly two: () => JavaProcess
  /** It says in its output what it is asked for. */
  readonly logsAsked: boolean
  readonly keys: { readonly publicKey: string; readonly privateKey: string }
}

const GREETER = fileURLToPath(new URL('greeter.ts', import.meta.url))
/** The page of the TypeScript service, and who puts its fragments in. */
const TYPESCRIPT_PAGES = { '/greeter/composed': 'the gateway', '/greeter/rendered': 'the SDK' }
/** What is in the pages when all is well. */
const TWO_HELLO = 'two says Hello & <welcome> for 38'
const TS_HELLO = 'TypeScript got Hello from one and costs $& $1'
const SETTLES_MS = 8000

/** Makes the tests; each of their groups is called where the services are as it says. */
export function fragmentTests(world: FragmentWorld) {
  const { publicKey, privateKey } = world.keys
  const endings: (() => unknown)[] = []
  let greeter: TestProcess

  const startGreeter = async () => {
    greeter = startProcess(
      { after: (end: () => unknown) => void endings.push(end) },
      {
        args: [GREETER],
        env: {
          HYDRA_GATEWAY: world.gateway().url,
          HYDRA_PUBLIC_KEY: publicKey,
          HYDRA_PRIVATE_KEY: privateKey,
        },
      },
    )
    await greeter.printed(/^registered$/m)
  }

  /** Opens a page until its elements have these texts, `null` for one that isn't there; returns what it shows. */
  async function shows(path: string, texts: Readonly<Record<string, string | null>>): Promise<string> {
    const page = await world.browser().newPage()
    try {
      return await eventually(async () => {
        await page.goto(world.gateway().url + path)
        const shown: Record<string, string | null> = {}
        for (const id of Object.keys(texts)) {
          const element = page.locator(`#${id}`)
          shown[id] = (await element.count()) > 0 ? await element.innerText() : null
        }
        assert.deepEqual(shown, texts, path)
        const content = await page.content()
        assert.doesNotMatch(content, /\$#FRGM-|m:fragment/, 'a visitor sees no placeholder and no tag')
        return await page.evaluate<string>('document.body.innerHTML.trim()')
      }, SETTLES_MS)
    } finally {
      await page.close()
    }
  }

  return {
    start: startGreeter,
    async stop(): Promise<void> {
      for (const end of endings) await end()
    },

    whenAllIsWell(): void {
      test('a Java page shows the fragment of a TypeScript service, and the fallback of one that is not there', async () => {
        await shows('/one/fragments', {
          message: 'Hello from one',
          ts_hello: TS_HELLO,
          ts_down: null,
          nobody_down: 'nobody is down',
        })
      })

      test('a TypeScript page shows the fragment of a Java service beside one that fails the batch, and one that is refused', async () => {
        const door = `http://127.0.0.1:${world.portOfOne()}/h/fragment/${publicKey}/requestFragment`
        assert.equal((await fetch(door, { method: 'POST' })).status, 403, 'it wants a CSRF token')
        const pages: string[] = []
        for (const path of Object.keys(TYPESCRIPT_PAGES)) {
          const asked = timesBothAsked(world.two())
          pages.push(
            await shows(path, {
              two_hello: TWO_HELLO,
              two_down: null,
              nothing_down: 'nothing of two',
              one_hello: null,
              one_down: 'one is guarded',
            }),
          )
          if (world.logsAsked) assert.equal(timesBothAsked(world.two()), asked + 1, 'first both in one batch')
        }
        assert.equal(pages[0], pages[1], 'the same page from the gateway and from the SDK')
      })

      test('a killed TypeScript service leaves the Java page with its fallback, until it is back', async () => {
        await greeter.kill('SIGKILL')
        await shows('/one/fragments', { ts_hello: null, ts_down: 'greeter is down', last: 'the end' })
        await startGreeter()
        await shows('/one/fragments', { ts_hello: TS_HELLO, ts_down: null, last: 'the end' })
      })
    },

    whenTwoIsKilled(): void {
      for (const [path, composer] of Object.entries(TYPESCRIPT_PAGES)) {
        test(`a page composed by ${composer} shows the fallback for the killed Java service`, async () => {
          await shows(path, { two_hello: null, two_down: 'two is down', nothing_down: 'nothing of two' })
        })
      }
    },

    whenTwoIsBack(): void {
      for (const [path, composer] of Object.entries(TYPESCRIPT_PAGES)) {
        test(`a page composed by ${composer} shows its fragment again`, async () => {
          await shows(path, { two_hello: TWO_HELLO, two_down: null, nothing_down: 'nothing of two' })
        })
      }
    },
  }
}

/** How often the service was asked for both of its fragments in one request. */
function timesBothAsked(service: JavaProcess): number {
  return service.output().split('asked for [two_hello, two_nothing]').length - 1
}
