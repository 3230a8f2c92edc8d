/**
 * WebSockets that stay open through a restart, and open themselves again when they were told to.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises'

export interface HeldSockets {
  /** Closes them, and says how those ended that did not end here. */
  close(): Promise<{ readonly opened: number; readonly told: number; readonly lost: number }>
}

/** No Close frame came. */
const WITHOUT_A_WORD = 1006
const OPEN_AGAIN_MS = 300

/** Opens so many at each node; resolves when all are open. */
export async function openSockets(
  urls: readonly string[],
  path: string,
  atEach: number,
): Promise<HeldSockets> {
  const open = new Set<WebSocket>()
  let [opened, told, lost] = [0, 0, 0]
  let isOver = false

  /** One socket, at this node while it is there, otherwise at the next. */
  async function hold(first: number): Promise<void> {
    for (let at = first; !isOver; at++) {
      const socket = new WebSocket(`${urls[at % urls.length]!.replace('http', 'ws')}${path}`)
      const wasOpen = await new Promise<boolean>((resolve) => {
        socket.onopen = () => resolve(true)
        // Nobody promised that a node that is gone takes new ones.
        socket.onerror = () => resolve(false)
      })
      if (wasOpen) {
        opened++
        open.add(socket)
        ready()
        const code = await new Promise<number>((resolve) => {
          socket.onclose = (event) => resolve((event as CloseEvent).code)
        })
        open.delete(socket)
        if (isOver) return
        if (code === WITHOUT_A_WORD) lost++
        else told++
      }
      await delay(OPEN_AGAIN_MS)
    }
  }

  const all = urls.length * atEach
  let ready = (): void => {}
  const allOpen = new Promise<void>((resolve) => {
    ready = () => {
      if (opened === all) resolve()
    }
  })
  const holding = urls.flatMap((_, at) => Array.from({ length: atEach }, () => hold(at)))
  await allOpen
  return {
    async close() {
      isOver = true
      for (const socket of open) socket.close()
      await Promise.race([Promise.all(holding), delay(2000)])
      return { opened, told, lost }
    },
  }
}
