import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fragment } from './fragment.ts'
import { page } from './page.ts'
import { bindingOf, createHandMadeGateway } from './testing/hand-made-gateway.ts'

/** A tag of a random page. */
interface Node {
  readonly index: number
  readonly parent: number | undefined
  readonly service: 'self' | 'shop' | 'one' | 'two'
  /** Of the page (`p0`), of another tag (`x3`), or of nobody (`no`). */
  readonly imports: readonly string[]
  readonly isExporting: boolean
  readonly isFailing: boolean
  /** Turns of the event loop until it is rendered. */
  readonly turns: number
}

/** Pages without cycles: everything a tag waits for comes before it in `order`, in which holders come before what they hold. */
const pages = fc.integer({ min: 1, max: 9 }).chain((count) =>
  fc
    .record({
      rows: fc.tuple(
        ...Array.from({ length: count }, () =>
          fc.record({
            parent: fc.option(fc.nat(8), { nil: undefined }),
            weight: fc.nat(1000),
            service: fc.constantFrom('self', 'shop', 'one', 'two', 'one', 'two' as const),
            imports: fc.uniqueArray(fc.nat(11), { maxLength: 3 }),
            isExporting: fc.boolean(),
            isFailing: fc.boolean(),
            turns: fc.nat(4),
          }),
        ),
      ),
    })
    .map(({ rows }) => {
      const order: number[] = []
      const parents = rows.map(({ parent }, index) =>
        parent !== undefined && parent < index ? parent : undefined,
      )
      for (const [index, { weight }] of rows.entries()) {
        const parent = parents[index]
        order[index] = parent === undefined ? weight : order[parent]! + weight + 1
      }
      return rows.map((row, index): Node => {
        const names = row.imports.flatMap((chosen) => {
          if (chosen >= 10) return chosen === 10 ? ['p0'] : ['no']
          const provider = rows[chosen]
          return provider?.isExporting && order[chosen]! < order[index]! ? [`x${chosen}`] : []
        })
        return { ...row, index, parent: parents[index], imports: [...new Set(names)] } as Node
      })
    }),
)

function htmlOf(nodes: readonly Node[], parent?: number): string {
  return nodes
    .filter((node) => node.parent === parent)
    .map(({ index, service, imports, isExporting }) => {
      const lists = `imports="${imports.map((name) => `${name} as i-${name}`).join(', ')}" exports="${isExporting ? `value as x${index}` : ''}"`
      return `<p>${index}</p><m:fragment service="${service === 'shop' ? 'shop' : service}" ref="r${index}" ${lists}>(${htmlOf(nodes, index)})</m:fragment>`
    })
    .join('')
}

const shown = (index: number, values: object) => `[${index} ${JSON.stringify(sorted(values))}]`
const value = (index: number, values: object) => ({ from: index, of: sorted(values) })
function sorted(values: object): object {
  return Object.fromEntries(Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1)))
}

/** One after the other, as the text of the rules says. */
function reference(
  nodes: readonly Node[],
  attributes: Record<string, unknown>,
): { html: string; asked: number[] } {
  const scope: Record<string, unknown> = { ...attributes }
  const results = new Map<number, string | undefined>()
  const isHidden = ({ parent }: Node): boolean =>
    parent !== undefined && (results.get(parent) !== undefined || isHidden(nodes[parent]!))
  const isDue = (node: Node): boolean => {
    if (results.has(node.index) || isHidden(node)) return false
    if (node.parent !== undefined && !results.has(node.parent)) return false
    return node.imports.every((name) => {
      const provider = name.startsWith('x') ? nodes[Number(name.slice(1))] : undefined
      return !provider || results.has(provider.index) || isHidden(provider)
    })
  }
  for (let node = nodes.find(isDue); node; node = nodes.find(isDue)) {
    const given = node.imports.filter((name) => Object.hasOwn(scope, name))
    const values = Object.fromEntries(given.map((name) => [`i-${name}`, scope[name]]))
    results.set(node.index, node.isFailing ? undefined : shown(node.index, values))
    if (!node.isFailing && node.isExporting) scope[`x${node.index}`] = value(node.index, values)
  }
  const write = (parent?: number): string =>
    nodes
      .filter((node) => node.parent === parent)
      .map(({ index }) => `<p>${index}</p>${results.get(index) ?? `(${write(index)})`}`)
      .join('')
  return { html: write(), asked: [...results.keys()].sort((one, other) => one - other) }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('a page is the same as if its fragments had been asked for one after the other, wherever they are rendered', async () => {
  await fc.assert(
    fc.asyncProperty(pages, fc.boolean(), fc.boolean(), async (nodes, isStreamed, isLate) => {
      const attributes = { p0: { deep: [1, 'two'] }, secret: 'not for fragments' }
      const rendered: number[] = []
      const rendering = async (index: number, values: object) => {
        rendered.push(index)
        const { turns, isFailing } = nodes[index]!
        for (let left = turns; left > 0; left--) await turn()
        return isFailing
          ? undefined
          : { html: shown(index, values), exports: { value: value(index, values) } }
      }
      const gateway = createHandMadeGateway(
        async ({ ref, values }) => {
          const output = await rendering(Number(ref.slice(1)), values)
          return output ? { renderedHTML: output.html, exports: output.exports } : { renderedHTML: null }
        },
        { isLate },
      )
      const own = nodes.filter(({ service }) => service === 'self' || service === 'shop')
      const definitions = own.map(({ index }) =>
        fragment(`r${index}`, { exports: ['value'] }, ({ imports }) => rendering(index, imports)),
      )
      const binding = bindingOf(gateway, definitions)
      const product = page(htmlOf(nodes), { attributes: undefined })
      product.compile(binding)
      product.bind(binding)
      const answer = product.render(attributes)
      let html = ''
      if (isStreamed) for await (const piece of answer) html += piece
      else html = await answer.text()

      const expected = reference(nodes, attributes)
      assert.equal(html, expected.html)
      // Each once, what is in a fallback nobody sees never.
      assert.deepEqual(
        [...rendered].sort((one, other) => one - other),
        expected.asked,
      )
      const asked = gateway.questions.flatMap(({ requests }) => Object.keys(requests))
      assert.ok(!asked.includes('shop') && !asked.includes('self') && !asked.includes(''))
      assert.ok(!JSON.stringify(gateway.questions).includes('secret'))
      // What is in a fallback is asked for later, and whoever waits for it.
      const isFlat = nodes.every(({ parent, isFailing }) => parent === undefined && !isFailing)
      if (own.length === 0 && isFlat) assert.equal(gateway.questions.length, 1)
    }),
    { numRuns: 300 },
  )
})
