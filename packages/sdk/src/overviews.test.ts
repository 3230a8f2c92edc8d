import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KnownOverview, Overview } from '@hydra-gateway/protocol'
import { type Peer, RSocketError, type StreamReceiver } from '@hydra-gateway/protocol/rsocket'
import { followOverviews } from './overviews.ts'

const overview = (hash: string): Overview => ({
  type: 'ACTIVE_SERVERS_UPDATE',
  hash,
  services: [],
  menus: {},
  publicKey: null,
  roleMappings: {},
})
const known: KnownOverview = { overview: overview('old'), parts: { services: [], menus: [], rest: 'r' } }

/** A gateway's end that writes down what it is asked, and answers by hand. */
function follow(first: KnownOverview | undefined) {
  const asked: unknown[] = []
  const cancelled: number[] = []
  const receivers: StreamReceiver[] = []
  const learned: string[] = []
  const ends: unknown[] = []
  let isOpen = true
  const stream: Peer['stream'] = (_route, data, receiver) => {
    const place = asked.push(data) - 1
    receivers.push(receiver)
    return { request() {}, cancel: () => cancelled.push(place) }
  }
  followOverviews({
    peer: { stream, isOpen: () => isOpen },
    known: first,
    onOverview: (next) => learned.push(next.overview.hash),
    onEnd: (error) => ends.push(error),
  })
  return {
    ...{ asked, cancelled, learned, ends },
    say: (item: unknown) => receivers.at(-1)!.onItem(item, 0),
    end: (error: RSocketError) => receivers.at(-1)!.onEnd(error),
    close() {
      isOpen = false
    },
  }
}

const all = { hash: null, parts: {} }
const wrong = { type: 'ACTIVE_SERVERS_DELTA', hash: 'new', from: 'old', check: 'no' }
const wrongWhole = { ...wrong, from: null }

test('what is known is said, and what an older gateway sends is taken', () => {
  const { asked, say, learned } = follow(known)
  assert.deepEqual(asked, [{ hash: 'old', parts: { services: [], menus: [], rest: 'r' } }])
  say(overview('new'))
  say(overview('newer'))
  assert.deepEqual(learned, ['new', 'newer'])
  assert.deepEqual(follow(undefined).asked, [all])
  assert.deepEqual(follow({ overview: overview('old') }).asked, [{ hash: 'old', parts: {} }])
  const many = Array.from({ length: 5001 }, (_, i) => ({ name: String(i), hash: 'h', value: {} as never }))
  const large = { ...known, parts: { services: many, menus: [], rest: 'r' } }
  assert.deepEqual(follow(large).asked, [{ hash: 'old', parts: {} }], 'more than a gateway compares')
})

test('a change that does not fit is not taken: all is asked for, then whole overviews as ever', () => {
  const { asked, cancelled, say, learned, ends } = follow(known)
  for (const item of [wrong, wrongWhole, overview('new')]) say(item)
  assert.deepEqual(asked.slice(1), [all, { hash: null }])
  assert.deepEqual([cancelled, learned, ends], [[0, 1], ['new'], []])
  say({ type: 'ACTIVE_SERVERS_DELTA', services: 5 })
  assert.match(String(ends[0]), /makes no sense/)
})

test('a gateway that does not read what is known is asked for all; the end of the line is one', () => {
  const tooLarge = new RSocketError(0x204, 'too large', 'HYDRA_TOO_LARGE')
  const { asked, end, ends } = follow(known)
  end(tooLarge)
  assert.deepEqual([asked[1], ends], [all, []])
  end(tooLarge)
  assert.deepEqual(ends, [tooLarge])
  const lost = follow(known)
  lost.close()
  lost.end(tooLarge)
  assert.deepEqual([lost.asked.length, lost.ends], [1, [tooLarge]])
})
