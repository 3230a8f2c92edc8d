/**
 * A server of pages and a browser to open them in, for all tests of a file.
 *
 * @module
 */
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before } from 'node:test'
import type { Browser } from 'playwright-core'
import { launchChromium } from './chromium.ts'

export interface PageServer {
  /** Once the tests run. */
  readonly browser: Browser
  readonly url: string
}

/** Starts both before the first test of the file, and ends them after the last. */
export function servePages(serve: RequestListener): PageServer {
  const server = createServer(serve)
  let browser: Browser | undefined
  before(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    browser = await launchChromium()
  })
  after(async () => {
    await browser?.close()
    server.closeAllConnections()
    server.close()
  })
  return {
    get browser() {
      if (!browser) throw new Error('the browser is there while tests run')
      return browser
    },
    get url() {
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    },
  }
}
