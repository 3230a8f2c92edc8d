/**
 * Where the users of this directory are.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Config, IDENTITY_DATABASE } from '../config.ts'

/** Where `hydra users` keeps users in this directory, and the database somebody may have meant instead. */
export function databasesHere({ identity: { database } }: Config): {
  usual: string
  above: string | undefined
} {
  const usual = resolve(database || IDENTITY_DATABASE)
  const above: string[] = []
  for (let at = resolve('..'); database === undefined; at = dirname(at)) {
    above.push(join(at, IDENTITY_DATABASE))
    if (at === dirname(at)) break
  }
  return { usual, above: existsSync(usual) ? undefined : above.find((file) => existsSync(file)) }
}
