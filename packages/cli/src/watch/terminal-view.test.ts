import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { createStyle } from '@hydra-gateway/gateway/terminal'
import type { SiteEvent } from '@hydra-gateway/protocol'
import { createTerminalView } from './terminal-view.ts'

const HELLO = {
  epoch: 'e',
  latest: 0,
  revision: 1,
  services: [{ name: 'shop', state: 'available' as const }],
}

function setUp(width = 90) {
  let written = ''
  let quits = 0
  let isReleased = false
  let press = (_key: string): void => {}
  const view = createTerminalView({
    url: 'http://localhost:8080',
    style: createStyle({ isTerminal: false, env: { LANG: 'C.UTF-8' } }),
    keyboard: {
      onKey(listener) {
        press = listener
        return () => void (isReleased = true)
      },
      columns: () => width,
      write: (text) => void (written += text),
    },
    now: () => 0,
    onQuit: () => void quits++,
    mostWaiting: 100,
  })
  view.onHello(HELLO, true)
  return {
    view,
    /** Lines as they stand there; the last one is the foot. */
    screen: () =>
      written
        .split('\n')
        .map((line) =>
          stripVTControlCharacters(line.slice(line.lastIndexOf('\u001b[2K') + 1)).replace(/^\[2K/, ''),
        ),
    type: (keys: string) => {
      for (const key of keys) press(key)
    },
    quits: () => quits,
    isReleased: () => isReleased,
  }
}
const forgotten = (service: string): SiteEvent => ({
  id: 1,
  at: 0,
  kind: 'forgotten',
  service,
  reason: 'an operator asked for it',
})

test('lines only grow downwards, and the keys stay below them', () => {
  const { view, screen } = setUp()
  assert.match(screen()[1]!, /The only service serves/)
  view.onEvent(forgotten('one'))
  view.onEvent(forgotten('two'))
  const lines = screen()
  assert.match(lines.at(-3)!, /forgotten {2}.*one/)
  assert.match(lines.at(-2)!, /forgotten {2}.*two/)
  assert.equal(lines.at(-1), '  space pause   f filter   q quit')
})

test('while it is paused lines wait, and come when it goes on', () => {
  const { view, screen, type } = setUp()
  type(' ')
  view.onEvent(forgotten('one'))
  view.onEvent(forgotten('two'))
  assert.match(screen().at(-1)!, /^ {2}paused, 2 lines wait {3}space go on/)
  assert.ok(!screen().some((line) => line.includes('forgotten')))
  type(' ')
  assert.match(screen().at(-2)!, /two/)
  assert.match(screen().at(-1)!, /^ {2}space pause/)
})

test('of very many lines that wait the latest are kept, and the others counted', () => {
  const { view, screen, type } = setUp()
  type(' ')
  for (let i = 0; i < 105; i++) view.onEvent(forgotten(`s${i}`))
  type(' ')
  assert.ok(screen().some((line) => /missed +5 lines came while it was paused/.test(line)))
  assert.ok(!screen().some((line) => / s4 /.test(line)))
  assert.ok(screen().some((line) => / s5 /.test(line)))
})

test('a filter leaves the lines that have it, and is typed, mended and dropped', () => {
  const { view, screen, type } = setUp()
  type('fTwq\u007fo')
  assert.match(screen().at(-1)!, /^ {2}filter {2}Two_/)
  type('\r')
  assert.match(screen().at(-1)!, /f filter "Two"/)
  view.onEvent(forgotten('one'))
  view.onEvent(forgotten('two'))
  assert.match(screen().at(-2)!, /two/)
  assert.ok(!screen().some((line) => line.includes(' one ')))
  type('f\u007f\u007f\u007f\r')
  view.onEvent(forgotten('one'))
  assert.match(screen().at(-2)!, / one /)
  type('fxyz\u001b')
  assert.match(screen().at(-1)!, /f filter {3}q/)
})

test('q and Ctrl+C quit, and the terminal is as it was', () => {
  const { view, screen, type, quits, isReleased } = setUp()
  type('fq\u001b')
  assert.equal(quits(), 0)
  type('q\u0003')
  assert.equal(quits(), 2)
  view.close()
  assert.ok(isReleased())
  assert.equal(screen().at(-1), '')
})

test('a gateway that is away is named, and so is its return', () => {
  const { view, screen } = setUp()
  view.onAway('the line to it is closed')
  assert.match(screen().at(-2)!, /◇ unknown +gateway +the line to it is closed; trying again every second/)
  view.onHello(HELLO, false)
  assert.match(screen().at(-2)!, /● available +gateway +it is back/)
  view.onHello(HELLO, true)
  assert.match(screen().at(-2)!, /it was started again/)
})

test('the keys are one line, however narrow the terminal is', () => {
  for (const width of [8, 16, 20, 30, 48]) {
    const { screen, type } = setUp(width)
    type('fa long filter of many letters\r')
    assert.ok(screen().at(-1)!.length < width, `${width}: ${screen().at(-1)}`)
    type('f')
    assert.ok(screen().at(-1)!.length < width, `${width}: ${screen().at(-1)}`)
  }
})
