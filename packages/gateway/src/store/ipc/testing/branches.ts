/**
 * Many channels over one, so that a single process can serve each test a store of its own.
 *
 * @module
 */
import type { IpcChannel } from '../channel.ts'

interface Branched {
  readonly branch: string
  readonly message: unknown
}

/** Listens to the trunk once, however many branches there are. */
export function createBranches(trunk: IpcChannel, onNew: (branch: string) => void = () => {}) {
  const hearing = new Map<string, Set<(message: unknown) => void>>()
  const closing = new Set<() => void>()
  trunk.onMessage((text) => {
    const { branch, message } = text as Branched
    if (!hearing.has(branch)) onNew(branch)
    for (const listener of [...(hearing.get(branch) ?? [])]) listener(message)
  })
  trunk.onClose(() => {
    for (const listener of [...closing]) listener()
  })
  return (branch: string): IpcChannel => ({
    send: (message) => trunk.send({ branch, message } satisfies Branched),
    onMessage(listener) {
      const listeners = hearing.get(branch) ?? new Set()
      hearing.set(branch, listeners.add(listener))
      return () => void listeners.delete(listener)
    },
    onClose(listener) {
      closing.add(listener)
      return () => void closing.delete(listener)
    },
  })
}
