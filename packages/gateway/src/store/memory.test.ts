import { systemClock } from '../observe/clock.ts'
import { instanceStoreContract } from './contract.ts'
import { createMemoryStore } from './memory.ts'

instanceStoreContract('memory', async () => createMemoryStore({ clock: systemClock }))
