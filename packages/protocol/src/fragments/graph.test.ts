import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cyclesOf, cycleThrough, type Edge, type GraphNode } from './graph.ts'
import { parseTransfers } from './lists.ts'
import { wavesOf } from './testing/waves.ts'

function node(imports: string, exports: string, parent?: number): GraphNode {
  return { imports: parseTransfers(imports), exports: parseTransfers(exports), parent }
}

test('a fragment is in the wave after the last one it waits for', () => {
  assert.deepEqual(wavesOf([]), [])
  assert.deepEqual(wavesOf([node('x', ''), node('', 'a'), node('a.b', 'x')]), [3, 1, 2])
  assert.deepEqual(wavesOf([node('', 'a'), node('', '', 0), node('page', '', 1)]), [1, 2, 3])
})

test('members of a cycle, and who waits for them, are in no wave', () => {
  assert.deepEqual(wavesOf([node('b', 'a'), node('a', 'b'), node('a', ''), node('', 'z')]), [0, 0, 0, 1])
})

const graph = fc
  .array(fc.array(fc.nat(30), { maxLength: 3 }), { minLength: 1, maxLength: 10 })
  .map((rows) => rows.map((row) => row.map((n): Edge => ({ from: n % rows.length, name: `n${n}` }))))

test('cycles are the sets of fragments that reach each other', () => {
  fc.assert(
    fc.property(graph, (edges) => {
      const reach = edges.map((row) => edges.map((_, to) => row.some(({ from }) => from === to)))
      for (const via of edges.keys()) {
        for (const row of reach) if (row[via]) for (const to of edges.keys()) row[to] ||= reach[via]![to]!
      }
      const expected = [...edges.keys()].flatMap((i) => {
        const members = [...edges.keys()].filter((j) => reach[i]![j] && reach[j]![i])
        return members[0] === i ? [members] : []
      })
      assert.deepEqual(cyclesOf(edges), expected)
    }),
  )
})

test('a cycle is told as steps that lead back to where they began', () => {
  fc.assert(
    fc.property(graph, (edges) => {
      for (const members of cyclesOf(edges)) {
        const path = cycleThrough(edges, members)
        assert.equal(path[0]!.from, members[0])
        assert.equal(path.at(-1)!.to, members[0])
        for (const [i, { from, to, name }] of path.entries()) {
          assert.ok(i === 0 || path[i - 1]!.to === from)
          assert.ok(edges[to]!.some((edge) => edge.from === from && edge.name === name))
        }
        assert.equal(new Set(path.map(({ from }) => from)).size, path.length)
      }
    }),
  )
})
