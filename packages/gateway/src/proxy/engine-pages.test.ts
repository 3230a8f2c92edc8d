/**
 * The pages about the engine say what the code does.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { FAULTS } from '../http1/faults.ts'

const read = (path: string) => readFile(new URL(path, import.meta.url), 'utf8')
const architecture = await read('../../../../docs/architecture.md')

for (const file of ['http1-connection.ts', 'attempt.ts', 'own-exchange.ts', 'service-connection.ts']) {
  test(`the states of ${file} are those of the architecture page, and none is out of reach`, async () => {
    const union = /^type Phase =([\s\S]*?)\n\n/m.exec(await read(file))?.[1] ?? ''
    const phases = [...union.matchAll(/'([a-z-]+)'/g)].map(([, phase]) => phase!)
    assert.ok(phases.length > 3, union)
    const [, diagram = ''] = architecture.split(`\`proxy/${file}\``)[1]?.split('```') ?? []
    const named = (text: string) => new Set([...text.matchAll(/\[([a-z-]+)\]/g)].map(([, phase]) => phase!))
    assert.deepEqual([...named(diagram)].sort(), [...phases].sort())
    // The first one is where it begins.
    const reached = named(diagram.replaceAll(/^\[[^─]*? {2}/gm, ''))
    assert.deepEqual(
      phases.slice(1).filter((phase) => !reached.has(phase)),
      [],
    )
  })
}

test('every word the codec refuses with is in the decision about refusals, with its status', async () => {
  const page = await read('../../../../docs/decisions/007-refusals.md')
  for (const { word, status } of FAULTS.slice(1)) {
    const row = page.split('\n').find((line) => line.startsWith('|') && line.includes(`\`${word}\``))
    assert.ok(row, `${word} is not there`)
    const isOfServices = row.includes('502')
    assert.ok(isOfServices || row.includes(`${status}`), `${word} is ${status}, the page says ${row}`)
  }
})
