/**
 * The order of what a line sends to a client, while pushes to many are under way: these take their time, and whatever is
 * sent to one of their clients meanwhile stays behind them.
 *
 * @module
 */

export interface PushOrder {
  /** Runs a push once those before have begun; `run` says when it has begun for each of its clients. */
  push<T>(clients: ReadonlySet<string>, run: (onBegun: () => void) => Promise<T>): Promise<T>
  /** Resolves when no push that came before is still to begin for a client; undefined when none is. */
  behind(client: string): Promise<void> | undefined
  readonly isIdle: boolean
}

interface Pending {
  readonly clients: ReadonlySet<string>
  readonly begun: Promise<void>
}

export function createPushOrder(): PushOrder {
  /** In the order they came. The first runs. */
  const pending: Pending[] = []

  return {
    async push(clients, run) {
      const before = pending.at(-1)
      const { promise: begun, resolve } = Promise.withResolvers<void>()
      const own: Pending = { clients, begun }
      pending.push(own)
      const onBegun = (): void => {
        const at = pending.indexOf(own)
        if (at >= 0) pending.splice(at, 1)
        resolve()
      }
      try {
        if (before) await before.begun
        return await run(onBegun)
      } finally {
        onBegun()
      }
    },
    behind: (client) => pending.findLast(({ clients }) => clients.has(client))?.begun,
    get isIdle() {
      return pending.length === 0
    },
  }
}
