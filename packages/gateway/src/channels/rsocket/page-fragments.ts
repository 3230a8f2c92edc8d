/**
 * `hydra.fragments.request`: a service asks for the fragments of a page over its channel, for one whole answer or
 * a stream with each fragment as it is there.
 *
 * @module
 */
import type { ResolvedFragments } from '@hydra-gateway/protocol'
import { MAX_FRAME_BYTES, type Sink, type Source } from '@hydra-gateway/protocol/rsocket'
import { HydraError } from '../../errors.ts'
import type { AskedPage, FragmentDesk } from '../../fragments/port.ts'

/** HTML that goes into one item, if it is of more than one fragment. */
const ITEM_BYTES = 1024 * 1024
/** What a frame has beside its data. */
const ROOM_BYTES = 4096

export interface PageFragments {
  request(data: unknown): Promise<unknown>
  stream(data: unknown, sink: Sink): Source
  /** The channel is lost: nobody waits for anything. */
  end(): void
}

interface PageFragmentsDeps {
  readonly desk: FragmentDesk | undefined
  readonly service: () => string | undefined
  /** A fragment is larger than a frame. */
  readonly onOversize: () => void
}

export function createPageFragments(deps: PageFragmentsDeps): PageFragments {
  const { service, onOversize } = deps
  const open = new Set<AskedPage>()

  const ask = (data: unknown, onNews: () => void): AskedPage => {
    if (!deps.desk) throw new HydraError('HYDRA_NOT_IMPLEMENTED', 'nobody resolves fragments here')
    const page = deps.desk.ask(data, { service: service() }, onNews)
    open.add(page)
    return page
  }

  /** As bytes of a frame; fragments show their fallbacks when they are too large for one. */
  const encode = (answer: ResolvedFragments): Buffer => {
    const bytes = Buffer.from(JSON.stringify(answer))
    if (bytes.length <= MAX_FRAME_BYTES - ROOM_BYTES) return bytes
    onOversize()
    const fragments = answer.fragments.map(({ id }) => ({ id, renderedHTML: null }))
    return Buffer.from(JSON.stringify({ ...answer, fragments, attributes: {} }))
  }

  return {
    request: (data) =>
      new Promise((resolve) => {
        const page = ask(data, () => {
          if (!page.isDone) return
          open.delete(page)
          resolve(encode(page.take() ?? NOTHING))
        })
      }),

    stream(data, sink) {
      let demand = 0
      let isOver = false
      const send = (): void => {
        while (demand > 0 && !isOver) {
          const answer = page.take(ITEM_BYTES)
          if (!answer) break
          demand--
          sink.next(encode(answer))
        }
        if (isOver || !page.isDone || page.hasNews) return
        isOver = true
        open.delete(page)
        sink.end()
      }
      const page = ask(data, send)
      return {
        request(count) {
          demand += count
          send()
        },
        cancel() {
          isOver = true
          open.delete(page)
          page.cancel()
        },
      }
    },

    end() {
      for (const page of open) page.cancel()
      open.clear()
    },
  }
}

const NOTHING: ResolvedFragments = {
  type: 'RESOLVED_FRAGMENT',
  fragments: [],
  attributes: {},
  sessions: {},
}
