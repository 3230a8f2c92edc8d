/**
 * A page that stays open, without a browser: the stream `/_hydra/live` and the menu it was told last.
 *
 * @module
 */
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'

export interface OpenPage {
  /** State of each item of the menu `main`, by path; what is not for its visitor is not there. */
  readonly states: ReadonlyMap<string, string>
  /** `performance.now()` of the last news. */
  readonly toldAt: number
  /** Everything that came, as it came. */
  readonly heard: string
  close(): void
}

interface News {
  readonly menus?: { readonly main?: readonly { readonly path: string; readonly state: string }[] }
}

/** Opens it for whoever a cookie says. Rejects when there is no stream. */
export async function openPage(url: string, cookie?: string): Promise<OpenPage> {
  const call: ClientRequest = request(`${url}/_hydra/live?menu=main`, {
    headers: { accept: 'text/event-stream', ...(cookie !== undefined && { cookie }) },
    agent: false,
  })
  call.end()
  const [response] = (await once(call, 'response')) as [IncomingMessage]
  call.on('error', () => {})
  response.on('error', () => {})
  if (response.statusCode !== 200) throw new Error(`/_hydra/live answered ${response.statusCode}`)
  const page = { states: new Map<string, string>(), toldAt: 0, heard: '', close: () => void call.destroy() }
  let rest = ''
  response.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    page.heard += chunk
    for (const line of lines) if (line.startsWith('data: ')) learn(JSON.parse(line.slice(6)))
  })
  return page

  function learn({ menus }: News): void {
    if (!menus?.main) return
    page.states = new Map(menus.main.map(({ path, state }) => [path, state]))
    page.toldAt = performance.now()
  }
}
