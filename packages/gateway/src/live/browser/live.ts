/**
 * `/_hydra/live.js`: keeps menus, links and fragments of an open page true. The same file is the script of a page and of
 * the worker its pages share. Made into one small script by `tools/generate-live-script.ts`.
 *
 * ```
 * page    what the page shows, and showing what is news     menu-element, attributes, fragments, status, wait
 * lines   how a page reaches the one stream of its browser  SharedWorker, BroadcastChannel, Web Locks
 * hub     the stream: opening it, and again                 EventSource
 * ```
 *
 * @module
 */
import { serve } from './lines.ts'
import { startPage } from './page.ts'

const once = 'hydraLive'

if (!(once in self)) {
  Object.assign(self, { [once]: 1 })
  if (self.document) startPage()
  else serve(new Promise(() => {}), new AbortController().signal)
}
