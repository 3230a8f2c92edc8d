import { identityStoreContract } from './contract.ts'
import { createMemoryIdentityStore } from './memory.ts'

identityStoreContract('memory', async () => {
  const store = createMemoryIdentityStore()
  return { store, again: async () => store }
})
