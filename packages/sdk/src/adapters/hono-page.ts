/**
 * A page as a `Response`: for Hono, and for whatever else answers as fetch does.
 *
 * @module
 */
import { beginPage, missingHeaders } from '../fragments/page-stream.ts'
import { isForHead, type Rendering } from '../fragments/rendering.ts'

export interface ResponseOptions {
  /** @default 200 */
  readonly status?: number
  readonly headers?: ConstructorParameters<typeof Headers>[0]
}

/**
 * Answers with a page: `app.get('/product', (context) => pageResponse(product.render({}, context.req.raw)))`. Resolves
 * when its first piece is there; a fault before it is answered with 500, or 502, 503, 504 for a `required` fragment.
 */
export async function pageResponse(
  rendering: Rendering,
  { status = 200, headers }: ResponseOptions = {},
): Promise<Response> {
  const all = new Headers(headers)
  for (const [name, value] of missingHeaders((name) => all.has(name))) all.set(name, value)
  if (isForHead(rendering)) {
    rendering.cancel()
    return new Response(null, { status, headers: all })
  }
  const page = await beginPage(rendering)
  if (!('pieces' in page)) return new Response(page.message, { status: page.status, headers: page.headers })
  const { pieces } = page
  const encoder = new TextEncoder()
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    const { done, value } = await pieces.next()
    if (done) controller.close()
    else controller.enqueue(encoder.encode(value))
  }
  const cancel = async () => {
    rendering.cancel()
    await pieces.return().catch(() => {})
  }
  // Nothing waits in it: an error would throw that away.
  const body = new ReadableStream({ pull, cancel }, { highWaterMark: 0 })
  return new Response(body, { status, headers: all })
}
