/**
 * The channel between two processes of one gateway, as the store needs it: messages in order, until it closes.
 *
 * @module
 */
import type { ChildProcess } from 'node:child_process'

export interface IpcChannel {
  /** False: it was not taken, as the channel is closed or the other side reads nothing. */
  send(message: unknown): boolean
  /** Each returns the function that ends it. */
  onMessage(listener: (message: unknown) => void): () => void
  onClose(listener: () => void): () => void
}

/** What `process` of a child and its `ChildProcess` in the parent have in common. */
type Peer = Pick<ChildProcess, 'connected' | 'on' | 'off'> & {
  send(message: object, onSent: (error: Error | null) => void): boolean
}

/** So many messages may wait for a side that reads nothing, because it hangs or was stopped; further ones are refused. */
const MOST_WAITING = 10_000

/** The channel to the process that started this one. */
export function ipcOfProcess(
  self: Pick<NodeJS.Process, 'connected' | 'send'> & object = process,
  mostWaiting = MOST_WAITING,
): IpcChannel {
  if (self.send === undefined) throw new Error('no process that listens has started this one')
  return ipcOf(self as unknown as Peer, mostWaiting)
}

/** The channel to a process that was started with one (`fork`). */
export function ipcOfChild(child: ChildProcess, mostWaiting = MOST_WAITING): IpcChannel {
  return ipcOf(child as unknown as Peer, mostWaiting)
}

function ipcOf(peer: Peer, mostWaiting: number): IpcChannel {
  let waiting = 0
  const on = (event: 'message' | 'disconnect', listener: (message: unknown) => void) => {
    peer.on(event, listener)
    return () => void peer.off(event, listener)
  }
  return {
    // Node's own answer is another one: it says false when much waits, and has taken the message all the same
    send(message) {
      if (!peer.connected || waiting >= mostWaiting) return false
      waiting++
      peer.send(message as object, () => waiting--)
      return true
    },
    onMessage: (listener) => on('message', listener),
    onClose: (listener) => on('disconnect', listener),
  }
}
