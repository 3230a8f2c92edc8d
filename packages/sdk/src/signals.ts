/**
 * SIGTERM and SIGINT: the process leaves the gateway and finishes its work before it ends.
 *
 * Signals belong to the process, so this is the one place with state of its own: services of one process
 * close side by side, and the process ends when the last one has.
 *
 * @module
 */

const SIGNALS = ['SIGTERM', 'SIGINT'] as const
const closers = new Set<() => Promise<void>>()
let armed = false

/**
 * Closes a service on the first signal, then ends the process by that same signal, so that whoever started
 * it sees how it ended. A second signal ends it at once. Where the app listens to the signal as well, ending
 * the process is left to the app. Returns the function that takes the service off again.
 */
export function closeOnSignal(close: () => Promise<void>): () => void {
  closers.add(close)
  if (!armed) {
    armed = true
    for (const signal of SIGNALS) process.on(signal, onSignal)
  }
  return () => {
    closers.delete(close)
    if (closers.size === 0) disarm()
  }
}

function disarm(): void {
  armed = false
  for (const signal of SIGNALS) process.off(signal, onSignal)
}

function onSignal(signal: NodeJS.Signals): void {
  // From here on a signal does what it does in a process without us: the second one ends it.
  disarm()
  const closing = [...closers].map((close) => close())
  closers.clear()
  void Promise.allSettled(closing).then(() => {
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
  })
}
