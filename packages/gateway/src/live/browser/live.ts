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

declare const self: WindowOrWorkerGlobalScope & { document?: Document; hydraLive?: boolean }

if (!self.document) serve(new AbortController().signal)
else if (!self.hydraLive) {
  self.hydraLive = true
  startPage()
}
