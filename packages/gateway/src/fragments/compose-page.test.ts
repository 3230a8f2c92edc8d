import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createManualClock } from '../observe/manual-clock.ts'
import type { AnswerSink } from '../proxy/composition.ts'
import { FakeExchange } from '../proxy/testing/fake-exchange.ts'
import { HELD, SENT } from '../proxy/wire.ts'
import { ComposedPage } from './compose-page.ts'
import type { PageOutcome } from './page-options.ts'
import { pageText } from './page-text.ts'
import { handResolver } from './testing/hand-resolver.ts'

/** A page as a tree, its bytes, and what it should become. */
type Node =
  | { readonly text: string }
  | { readonly ref: string; readonly fails: boolean; readonly inside: readonly Node[] }

const { nodes } = fc.letrec<{ nodes: Node[]; node: Node }>((tie) => ({
  nodes: fc.array(tie('node'), { maxLength: 6 }),
  node: fc.oneof(
    { depthIdentifier: 'page', maxDepth: 5 },
    fc.record({
      text: fc.constantFrom(
        'a',
        '<p>é</p>',
        '<!-- <m:fragment> -->',
        '<script>"</m:fragment>"</script>',
        'x'.repeat(3000),
      ),
    }),
    fc.record({ ref: fc.constant(''), fails: fc.boolean(), inside: tie('nodes') as fc.Arbitrary<Node[]> }),
  ),
}))

/** Gives every fragment a name of its own. */
function written(page: readonly Node[]): { html: string; expected: string; fails: Map<string, boolean> } {
  const fails = new Map<string, boolean>()
  const write = (all: readonly Node[]): { html: string; expected: string } => {
    let html = ''
    let expected = ''
    for (const node of all) {
      if ('text' in node) {
        html += node.text
        expected += node.text
        continue
      }
      const ref = `r${fails.size}`
      fails.set(ref, node.fails)
      const inside = write(node.inside)
      html += `<m:fragment service="s" ref="${ref}">${inside.html}</m:fragment>`
      expected += node.fails ? inside.expected : `[${ref} $&]`
    }
    return { html, expected }
  }
  return { ...write(page), fails }
}

test('any page, cut anywhere, with fragments that come in any order, to a visitor of any pace, is the same page', async () => {
  await fc.assert(
    fc.asyncProperty(
      nodes,
      fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 20 }),
      fc.array(fc.nat({ max: 1000 }), { minLength: 1, maxLength: 20 }),
      fc.boolean(),
      async (page, sizes, turns, holds) => {
        const { html, expected, fails } = written(page)
        const resolver = handResolver()
        const shown: Buffer[] = []
        const ends: PageOutcome[] = []
        let isFinished = false
        let isBlocked = false
        let turn = 0
        const next = (): number => turns[turn++ % turns.length]!
        const output: AnswerSink = {
          onDrain: undefined,
          get isBlocked() {
            return isBlocked
          },
          write(bytes) {
            assert.ok(holds || !isFinished)
            shown.push(Buffer.from(bytes))
            isBlocked = next() % 3 === 0
            return isBlocked ? HELD : SENT
          },
          finish() {
            isFinished = true
          },
          flush() {},
        }
        let hasBegun = false
        const composed = new ComposedPage(
          {
            resolver,
            settings: {
              pageBudgetMs: 3000,
              maxPerPage: 1000,
              readAheadBytes: 5000,
              maxFallbackBytes: 1_000_000,
              maxHeldBytes: 4000,
            },
            clock: createManualClock(),
            observer: { dropped() {} },
            log: { warn() {}, error: (fields: unknown) => assert.fail(String(fields)) } as never,
          },
          {
            exchange: new FakeExchange(),
            text: pageText('text/html')!,
            holds,
            output,
            context: {} as never,
            xray: undefined,
            site: undefined,
            markOf: undefined,
            declaredAssets: () => [],
            assetsOf: () => [],
            begin() {
              hasBegun = true
            },
            onTagWarnings: () => assert.fail(),
            refuse: () => assert.fail(),
            leaveService: () => assert.fail(),
            onEnd: (outcome) => void ends.push(outcome),
          },
        )
        /** Something happens elsewhere: the visitor takes bytes, or a fragment settles. */
        const happen = async (): Promise<boolean> => {
          const [resolving] = resolver.pages
          const waiting = resolving?.asked.filter((ref) => fails.has(ref)) ?? []
          if (isBlocked && (next() % 2 === 0 || waiting.length === 0)) {
            isBlocked = false
            output.onDrain?.()
          } else if (waiting.length > 0) {
            const ref = waiting[next() % waiting.length]!
            const isFailing = fails.get(ref)!
            fails.delete(ref)
            resolving!.settle(ref, isFailing ? 'failed' : { html: `[${ref} $&]` })
          } else return false
          await new Promise((resolve) => setImmediate(resolve))
          return true
        }
        const bytes = Buffer.from(html)
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const piece = Buffer.from(bytes.subarray(at, at + sizes[i % sizes.length]!))
          at += piece.length
          const taken = composed.write(piece)
          composed.flush()
          // Its memory is used again.
          if (taken === SENT) piece.fill('!')
          while (composed.isBlocked || next() % 4 === 0) if (!(await happen())) break
          assert.ok(!composed.isBlocked, 'a page that is blocked goes on by itself')
        }
        composed.finish()
        composed.flush()
        while (await happen());
        assert.ok(hasBegun)
        assert.equal(Buffer.concat(shown).toString(), expected)
        assert.ok(isFinished)
      },
    ),
    { numRuns: 300 },
  )
})
