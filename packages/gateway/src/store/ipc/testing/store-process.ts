/**
 * A process that serves stores in memory to whoever started it, for tests: one, or with the argument `branches` one on
 * each branch of the channel that is spoken on; its name ends in how long a service without instances is remembered, ms.
 *
 * @module
 */
import { systemClock } from '../../../observe/clock.ts'
import { createStoreInMemory } from '../../store.ts'
import { type IpcChannel, ipcOfProcess } from '../channel.ts'
import { serveStore } from '../serve.ts'
import { createBranches } from './branches.ts'

const serve = (channel: IpcChannel, rememberMs: number): void => {
  serveStore(createStoreInMemory({ clock: systemClock, rememberMs }), channel)
}
const channel = ipcOfProcess()
if (process.argv[2] === 'branches') {
  const branchOf = createBranches(channel, (branch) =>
    serve(branchOf(branch), Number(branch.split(' ').at(-1))),
  )
} else serve(channel, 60_000)
channel.onClose(() => process.exit())
