import { systemClock } from '../../observe/clock.ts'
import { nodeDirectoryContract } from './contract.ts'
import { createMemoryNodes } from './memory.ts'

nodeDirectoryContract('memory', async () => {
  const nodes = createMemoryNodes({ clock: systemClock })
  return { nodes, again: async () => nodes }
})
