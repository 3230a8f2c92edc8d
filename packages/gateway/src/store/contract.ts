/**
 * What every store must do. Each adapter's test calls this with a way to open an empty one, and the same place a
 * second time.
 *
 * @module
 */
import { suite, type TestContext, test } from 'node:test'
import { changesContract } from './testing/changes-contract.ts'
import type { Contract, OpenedStore, OpenOptions } from './testing/instance-records.ts'
import { leasesContract } from './testing/leases-contract.ts'
import { recordsContract } from './testing/records-contract.ts'
import { servicesContract } from './testing/services-contract.ts'

type Open = (t: Pick<TestContext, 'after'>, options: OpenOptions) => Promise<OpenedStore>

/** Most of its time it waits for leases to end, so several of its tests run at once. */
export function instanceStoreContract(name: string, open: Open): void {
  const contract: Contract = (title, run, options = {}) => {
    test(`${name}: ${title}`, async (t) => {
      const opened = await open(t, options)
      t.after(() => opened.store.close())
      await run(opened.store, opened)
    })
  }
  suite(name, { concurrency: 4 }, () => {
    recordsContract(contract)
    leasesContract(contract)
    changesContract(contract)
    servicesContract(contract)
  })
}
