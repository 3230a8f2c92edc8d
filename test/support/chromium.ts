/**
 * A real browser for tests.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { type Browser, chromium } from 'playwright-core'
import { findProgram } from './programs.ts'

/**
 * Starts the Chromium of the system, or of HYDRA_CHROMIUM; whoever starts it closes it. With `keepsPages` it keeps pages
 * for the way back, as browsers do.
 */
export async function launchChromium({ keepsPages = false } = {}): Promise<Browser> {
  const executablePath =
    process.env.HYDRA_CHROMIUM ?? (await findProgram('chromium', 'chromium-browser', 'google-chrome'))
  assert.ok(executablePath, 'these tests need Chromium: install it, or set HYDRA_CHROMIUM to its path')
  return chromium.launch({
    executablePath,
    ...(keepsPages && { ignoreDefaultArgs: ['--disable-back-forward-cache'] }),
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking'],
  })
}
