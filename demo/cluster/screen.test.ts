import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createStyle } from '@hydra-gateway/gateway/terminal'
import { renderScreen, type ScreenFacts } from './screen.ts'

const AT = new Date('2026-11-20T14:03:27').getTime()

const FACTS: ScreenFacts = {
  url: 'http://localhost:8080',
  nodesCommand: 'npx hydra nodes --config /tmp/hydra-demo-Ab3dEf/node-b.json',
  rows: [
    {
      key: '1',
      name: 'node a',
      state: 'available',
      serving: [],
      started: 1,
      pids: [4711],
      about: 'port 8081, 3 connections',
    },
    {
      key: '2',
      name: 'node b',
      state: 'down',
      serving: [],
      started: 1,
      pids: [],
      about: 'port 8082, 0 connections',
    },
    {
      key: 'c',
      name: 'catalog',
      state: 'degraded',
      serving: [1, undefined],
      started: 2,
      pids: [4713],
      about: '',
    },
  ],
  events: [{ at: AT, state: 'down', name: 'node b', text: 'kill -9 4712' }],
  counters: { answered: 1204, failed: 0, askedAgain: 3, slowestMs: 41.6, perSecond: 49.8 },
  talk: { said: 1204, heard: 7224, lost: 0, recovered: 3, caughtUp: 6 },
  height: 24,
}

const styleOf = (columns: number) =>
  createStyle({ isTerminal: true, columns, env: { LANG: 'C.UTF-8', NO_COLOR: '1' } })

test('the screen shows who is alive, what was killed, and that nobody noticed', () => {
  const lines = renderScreen(FACTS, styleOf(80))
  const text = lines.join('\n')
  assert.match(lines[0]!, /^ψ hydra demo:cluster {2,}http:\/\/localhost:8080$/)
  assert.equal(lines[2], `  ${FACTS.nodesCommand}`)
  assert.match(text, /1 {2}● available {3}node a .*4711 {3}port 8081, 3 connections/)
  assert.match(text, /c {2}▲ degraded {4}catalog {4}1 of 2 {8}- {2}4713/)
  assert.match(text, /14:03:27 {2}✕ down {8}node b {4}kill -9 4712/)
  assert.match(text, /Answered 1,204 {3}Failed 0 {3}Asked again 3 {3}50 pages\/s {3}slowest 42 ms/)
  assert.match(text, /Chat 1,204 lines {3}Lost 0 {3}Sockets back 3 {3}Gaps told and filled 6/)
  assert.match(text, /1 2 c {2}kill -9 what stands in that row/)
})

test('it fits the terminal, however small, and keeps its keys', () => {
  for (const [columns, height] of [
    [80, 24],
    [48, 18],
    [20, 17],
  ] as const) {
    const lines = renderScreen({ ...FACTS, height }, styleOf(columns))
    assert.ok(lines.length <= height, `${lines.length} lines of ${height}`)
    assert.ok(lines.every((line) => [...line].length <= columns))
    assert.match(lines.at(-1)!, /q {2,}quit/)
  }
})
