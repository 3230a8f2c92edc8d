import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type Line, openRoom, type RoomDeps } from './room.ts'

function fileFor(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'hydra-room-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return join(directory, 'chat.jsonl')
}

function roomWith(file: string, more: Partial<RoomDeps> = {}) {
  const heard: [string, number][] = []
  const room = openRoom({
    file,
    push: async (member, { n }) => void heard.push([member, n]),
    isGone: (fault) => fault === 'gone',
    wait: () => turn(),
    now: () => 0,
    ...more,
  })
  return { room, heard }
}

const say = (id: string) => ({ id, who: 'ada', text: `line ${id}` })

test('members hear every line in order, and a line that is said again is the same line', async (t) => {
  const { room, heard } = roomWith(fileFor(t))
  assert.equal(room.join('m'), 0)
  assert.deepEqual([room.say(say('a')).n, room.say(say('b')).n, room.say(say('a')).n], [1, 2, 1])
  await turn()
  assert.deepEqual(heard, [
    ['m', 1],
    ['m', 2],
  ])
  assert.equal(room.join('late'), 2)
  assert.deepEqual(
    room.after(1).map(({ n }) => n),
    [2],
  )
})

test('a line whose arrival is not known is pushed again, before those behind it', async (t) => {
  const tried: number[] = []
  let isAway = true
  const { room } = roomWith(fileFor(t), {
    push: async (_member: string, { n }: Line) => {
      tried.push(n)
      if (isAway) throw new Error('no line')
    },
  })
  room.join('m')
  room.say(say('a'))
  room.say(say('b'))
  await turn()
  isAway = false
  for (let i = 0; i < 10; i++) await turn()
  assert.deepEqual(tried.slice(-2), [1, 2])
  assert.ok(tried.slice(0, -1).every((n) => n === 1))
})

test('who is gone for good is forgotten, and the room is the same after a restart', async (t) => {
  const file = fileFor(t)
  const { room } = roomWith(file, {
    push: async (member) => {
      if (member === 'gone') throw 'gone'
    },
  })
  for (const member of ['m', 'gone', 'bye']) room.join(member)
  room.leave('bye')
  room.say(say('a'))
  await turn()
  assert.equal(room.members, 1)
  const { room: again, heard } = roomWith(file)
  assert.equal(again.members, 1)
  assert.equal(again.say(say('b')).n, 2)
  await turn()
  assert.deepEqual(heard, [['m', 2]])
})
