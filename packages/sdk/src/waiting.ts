/**
 * Small tools for waiting.
 *
 * @module
 */
import { setMaxListeners } from 'node:events'

/** A promise that is settled from outside. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>
  resolve(value: Value): void
  reject(fault: unknown): void
}

/** `Promise.withResolvers`, which Node 20 lacks. A rejection nobody waits for is not thrown. */
export function deferred<Value = void>(): Deferred<Value> {
  let resolve!: (value: Value) => void
  let reject!: (fault: unknown) => void
  const promise = new Promise<Value>((yes, no) => {
    resolve = yes
    reject = no
  })
  promise.catch(nothing)
  return { promise, resolve, reject }
}

/** An AbortController for any number of listeners; Node 20 warns of more than ten. */
export function abortController(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}

/** True when the promise was kept in time. */
export async function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false)
  })
  const kept = promise.then(
    () => true,
    () => false,
  )
  return Promise.race([kept, late]).finally(() => clearTimeout(timer))
}

/** True when the promise was kept in time, and with true. */
export async function kept(ms: number, promise: Promise<boolean>): Promise<boolean> {
  let isTrue = false
  const looked = promise.then((value) => {
    isTrue = value
  })
  return (await within(ms, looked)) && isTrue
}

/** For promises whose outcome is of no interest. */
export function nothing(): void {}
