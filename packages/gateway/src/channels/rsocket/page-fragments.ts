/**
 * `hydra.fragments.request`: a service asks for the fragments of a page over its channel, for one whole answer or
 * a stream with each fragment as it is there.
 *
 * @module
 */
import type { RenderedFragment, ResolvedFragments } from '@hydra-gateway/protocol'
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

  /** As bytes of a frame; the largest fragments show their fallbacks where it would not fit into one. */
  const encode = (answer: ResolvedFragments): Buffer => {
    for (const fragments = [...answer.fragments]; ; onOversize()) {
      const bytes = Buffer.from(JSON.stringify({ ...answer, fragments }))
      if (bytes.length <= MAX_FRAME_BYTES - ROOM_BYTES) return bytes
      const largest = fragments.reduce((most, each) => (sizeOf(each) > sizeOf(most) ? each : most))
      if (largest.renderedHTML === null)
        throw new HydraError('HYDRA_TOO_LARGE', 'what the page exports does not fit into a frame')
      fragments[fragments.indexOf(largest)] = { id: largest.id, renderedHTML: null, reason: 'too-large' }
    }
  }

  return {
    async request(data) {
      const page = await new Promise<AskedPage>((resolve) => {
        const asked = ask(data, () => {
          if (asked.isDone) resolve(asked)
        })
      })
      open.delete(page)
      return encode(page.take())
    },

    stream(data, sink) {
      let demand = 0
      let isOver = false
      const send = (): void => {
        while (demand > 0 && !isOver && page.hasNews) {
          demand--
          try {
            sink.next(encode(page.take(ITEM_BYTES)))
          } catch (error) {
            isOver = true
            open.delete(page)
            page.cancel()
            sink.fail(error as Error)
          }
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

function sizeOf({ renderedHTML }: RenderedFragment): number {
  return renderedHTML?.length ?? -1
}
