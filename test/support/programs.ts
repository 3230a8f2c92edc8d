/**
 * Looks for programs a test needs from the system. Nothing is installed here.
 *
 * @module
 */
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** The full path of the first of `names` that can be executed, searching `PATH` for each in turn. */
export async function findProgram(...names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const path = join(folder, name)
      if (folder !== '' && (await isExecutable(path))) return path
    }
  }
  return undefined
}

/** Whether there is a file this process may execute. */
export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
