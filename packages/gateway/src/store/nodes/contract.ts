/**
 * What every directory of nodes must do. Each adapter's test calls this with a way to open an empty one, and the same one
 * a second time.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { NodeDirectory, NodeFacts } from './port.ts'

interface OpenedDirectory {
  readonly nodes: NodeDirectory
  again(): Promise<NodeDirectory>
}

const LONG_MS = 60_000
const node = (id: string, more: Partial<NodeFacts> = {}): NodeFacts => ({
  id,
  name: `node ${id} "ä"`,
  version: '1.2.3',
  startedAt: 1_700_000_000_123,
  keyProof: 'proof',
  isLeaving: false,
  doors: { machine: 'm', bound: 'all', addresses: ['10.0.0.7', 'fd00::7'], ports: [8080, 9090] },
  ...more,
})

export function nodeDirectoryContract(
  name: string,
  open: (t: Pick<TestContext, 'after'>) => Promise<OpenedDirectory>,
): void {
  const contract = (
    title: string,
    run: (nodes: NodeDirectory, other: NodeDirectory) => Promise<void>,
  ): void => {
    test(`${name}: ${title}`, async (t) => {
      const { nodes, again } = await open(t)
      await run(nodes, await again())
    })
  }

  contract('who beats is listed on every node, by name and then by id', async (nodes, other) => {
    await nodes.beat(node('3', { name: 'a' }), LONG_MS)
    await other.beat(node('1', { name: 'b' }), LONG_MS)
    await nodes.beat(node('2', { name: 'a' }), LONG_MS)
    const wanted = [node('2', { name: 'a' }), node('3', { name: 'a' }), node('1', { name: 'b' })]
    assert.deepEqual(await nodes.list(), wanted)
    assert.deepEqual(await other.list(), wanted)
  })

  contract('what a node said last holds', async (nodes, other) => {
    await nodes.beat(node('1'), LONG_MS)
    await nodes.beat(node('1', { isLeaving: true }), LONG_MS)
    assert.deepEqual(await other.list(), [node('1', { isLeaving: true })])
  })

  contract('who falls silent is listed no more, and who beats stays', async (nodes, other) => {
    await nodes.beat(node('silent'), 100)
    const deadline = Date.now() + 4000
    for (;;) {
      await other.beat(node('alive'), 300)
      const listed = (await nodes.list()).map(({ id }) => id)
      assert.ok(listed.includes('alive'))
      if (listed.length === 1) break
      assert.ok(Date.now() < deadline)
      await delay(10)
    }
    await nodes.beat(node('silent'), LONG_MS)
    assert.equal((await other.list()).length, 2, 'and who comes back is listed again')
  })

  contract('who leaves is listed no more, at once', async (nodes, other) => {
    await nodes.beat(node('1'), LONG_MS)
    await nodes.leave('1')
    await nodes.leave('1')
    assert.deepEqual(await other.list(), [])
  })
}
