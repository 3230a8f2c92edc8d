/**
 * Programs that end with this process, whatever ends it: a runner that is killed leaves nobody behind.
 *
 * @module
 */
import { existsSync } from 'node:fs'

const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'].find((file) => existsSync(file))

/** The command that runs another one, tied to this process where the system can: Linux has it since util-linux 2.33. */
export function tied(command: string, args: readonly string[]): [command: string, args: string[]] {
  if (process.platform !== 'linux' || !SETPRIV) return [command, [...args]]
  // The process id stays the same: setpriv becomes the other program.
  return [SETPRIV, ['--pdeathsig', 'KILL', '--', command, ...args]]
}
