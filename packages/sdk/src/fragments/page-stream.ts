/**
 * A page for frameworks that take a status, headers and a stream: begun before it is handed over, so that a page
 * that can't be shown is answered with its status.
 *
 * @module
 */
import { answerTo } from './page-error.ts'
import { CUT_AFTER_MS, PAGE_HEADERS, pause } from './page-send.ts'
import { type Rendering, reportFault } from './rendering.ts'

/** A page whose first piece is there, or what is said instead. */
export type BegunPage =
  | { readonly pieces: AsyncGenerator<string, void, undefined> }
  | { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly message: string }

/** Waits for the first piece of a page. Whoever takes the pieces cancels the rendering when nobody reads them. */
export async function beginPage(rendering: Rendering): Promise<BegunPage> {
  const rest = rendering[Symbol.asyncIterator]()
  try {
    return { pieces: reporting(rendering, await rest.next(), rest) }
  } catch (fault) {
    // Whoever gave it up knows.
    if (!isAbort(fault)) reportFault(rendering, fault)
    const { status, message } = answerTo(fault)
    const headers = {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      ...(status === 503 && { 'retry-after': '5' }),
    }
    return { status, headers, message }
  }
}

async function* reporting(
  rendering: Rendering,
  first: IteratorResult<string>,
  rest: AsyncIterator<string>,
): AsyncGenerator<string, void, undefined> {
  let isWhole = false
  try {
    for (let piece = first; !piece.done; piece = await rest.next()) yield piece.value
    isWhole = true
  } catch (fault) {
    if (isAbort(fault)) throw fault
    reportFault(rendering, fault)
    await pause(CUT_AFTER_MS)
    throw fault
  } finally {
    if (!isWhole) rendering.cancel()
  }
}

/** Headers of a page, for those that are not set yet. */
export function missingHeaders(isSet: (name: string) => boolean): readonly (readonly [string, string])[] {
  return Object.entries(PAGE_HEADERS).filter(([name]) => !isSet(name))
}

function isAbort(fault: unknown): boolean {
  return fault instanceof DOMException && fault.name === 'AbortError'
}
