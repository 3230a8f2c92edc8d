/**
 * Frames that are sent in one go leave in one go: to give the system each by itself costs more than to make it.
 *
 * @module
 */

/** A socket, as far as it holds back what is written. */
export interface Corkable {
  cork(): void
  uncork(): void
}

/** Makes what is called before each frame: what is written from then on leaves when whoever runs now is done. */
export function sendTogether(socket: Corkable): () => void {
  let isHeld = false
  const release = (): void => {
    isHeld = false
    socket.uncork()
  }
  return () => {
    if (isHeld) return
    isHeld = true
    socket.cork()
    // After the promises that settle now: answers to what was read together are sent together.
    process.nextTick(release)
  }
}
