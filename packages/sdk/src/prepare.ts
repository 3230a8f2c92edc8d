/**
 * What has to happen before a service can be registered: its app listens, what the option `when` stands for is
 * done, and its static files are known.
 *
 * @module
 */
import type { Application } from './client.ts'
import type { ServiceOptions } from './options.ts'
import type { Listening } from './server.ts'
import { listStatics } from './statics.ts'
import { nothing } from './waiting.ts'

/** An app that is not ready by then may never be: somebody should know what is waited for. */
const PATIENCE_MS = 3000

/**
 * Waits for all of it. `say` is called once with a sentence when that takes long.
 *
 * @throws when it can never be, with a sentence that says so and why.
 */
export async function prepare(
  application: Application,
  options: ServiceOptions,
  say: (sentence: string) => void,
): Promise<{ readonly listening: Listening; readonly statics: readonly string[] }> {
  const never = (cause: unknown) => {
    throw notRegistered(options, cause)
  }
  let { awaited } = application
  application.listening.then(() => {
    awaited = 'what it was given as the option when'
  }, nothing)
  const notice = setTimeout(() => say(`${options.name} waits for ${awaited}`), PATIENCE_MS)
  notice.unref()
  const [listening] = await Promise.all([
    application.listening.catch(never),
    allowed(application, options),
  ]).finally(() => clearTimeout(notice))
  return { listening, statics: await listStatics(options.statics).catch(never) }
}

/** Resolves when the app says that it is ready for visitors (the option `when`). */
async function allowed({ listening }: Application, options: ServiceOptions): Promise<void> {
  const { when } = options
  try {
    if (typeof when === 'function') await listening.then(when)
    else await when
  } catch (cause) {
    // A promise that has failed already is heard of by listeners that are added after `connect`.
    await new Promise(setImmediate)
    throw notRegistered(options, cause, 'what it waits for (when) failed: ')
  }
}

function notRegistered({ name }: ServiceOptions, cause: unknown, what = ''): Error {
  return new Error(`${name} is not registered, because ${what}${errorOf(cause).message}`, { cause })
}

/** Whatever was thrown, as an error. */
export function errorOf(fault: unknown): Error {
  return fault instanceof Error ? fault : new Error(String(fault))
}
