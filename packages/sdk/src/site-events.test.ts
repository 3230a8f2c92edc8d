import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventsRequest, SiteEvent } from '@hydra-gateway/protocol'
import { ERROR_CODES, RSocketError, type StreamReceiver } from '@hydra-gateway/protocol/rsocket'
import { createSiteEvents } from './site-events.ts'

function setUp() {
  const heard: SiteEvent[] = []
  const said: string[] = []
  const log = { info() {}, warn: (text: string) => void said.push(text), error() {}, debug() {} }
  const siteEvents = createSiteEvents({ onEvent: (event) => heard.push(event), log })
  const opened: { request: EventsRequest; receiver: StreamReceiver; credits: number; isOpen: boolean }[] = []
  const line = {
    events(request: EventsRequest, receiver: StreamReceiver) {
      const stream = { request, receiver, credits: receiver.demand ?? 1, isOpen: true }
      opened.push(stream)
      return {
        request: (count: number) => void (stream.credits += count),
        cancel: () => void (stream.isOpen = false),
      }
    },
  }
  return { siteEvents, heard, said, opened, line, latest: () => opened.at(-1)! }
}
const hello = (epoch: string, latest: number) => ({ kind: 'hello', epoch, latest })
const event = (id: number) => ({ id, at: id, kind: 'forgotten', service: 's', reason: 'r' })

test('nothing is asked for before somebody listens, and nothing after the last one left', () => {
  const { siteEvents, heard, opened, line, latest } = setUp()
  siteEvents.connected(line)
  assert.equal(opened.length, 0)
  siteEvents.wanted(true)
  assert.deepEqual(latest().request, {})
  latest().receiver.onItem(hello('a', 4), 0)
  latest().receiver.onItem(event(5), 0)
  assert.deepEqual(
    heard.map(({ id }) => id),
    [5],
  )
  siteEvents.wanted(false)
  assert.equal(latest().isOpen, false)
  latest().receiver.onItem(event(6), 0)
  assert.equal(heard.length, 1)
  siteEvents.wanted(true)
  assert.deepEqual(latest().request, {}, 'who listens later hears what happens then')
})

test('after a lost line it goes on where it was, and a restarted gateway begins anew', () => {
  const { siteEvents, said, opened, line, latest } = setUp()
  siteEvents.wanted(true)
  siteEvents.connected(line)
  latest().receiver.onItem(hello('a', 4), 0)
  latest().receiver.onItem(event(5), 0)
  latest().receiver.onEnd(new RSocketError(ERROR_CODES.CONNECTION_ERROR, 'the link is lost'))
  siteEvents.disconnected()
  siteEvents.connected(line)
  assert.deepEqual(latest().request, { epoch: 'a', after: 5 })
  latest().receiver.onItem(hello('b', 2), 0)
  siteEvents.disconnected()
  siteEvents.connected(line)
  assert.deepEqual(latest().request, { epoch: 'b', after: 0 })
  latest().receiver.onItem(hello('b', 2), 0)
  latest().receiver.onItem(event(1), 0)
  siteEvents.disconnected()
  siteEvents.connected(line)
  assert.deepEqual(latest().request, { epoch: 'b', after: 1 })
  assert.equal(opened.length, 4)
  assert.deepEqual(said, [])
})

test('credits are given back as events are used, and what is not understood is passed over', () => {
  const { siteEvents, heard, line, latest } = setUp()
  siteEvents.wanted(true)
  siteEvents.connected(line)
  const { receiver, credits } = latest()
  receiver.onItem(hello('a', 0), 0)
  for (let id = 1; id < 200; id++) {
    assert.ok(latest().credits > id, 'the gateway may always send one more')
    receiver.onItem(id === 100 ? { id, at: 0, kind: 'weather' } : event(id), 0)
    assert.ok(latest().credits <= id + 1 + credits)
  }
  assert.equal(heard.length, 198)
})

test('a gateway that tells no events is named once, and is no fault', () => {
  const { siteEvents, said, opened, line, latest } = setUp()
  siteEvents.wanted(true)
  siteEvents.connected(line)
  latest().receiver.onEnd(new RSocketError(ERROR_CODES.APPLICATION_ERROR, 'there is no route "hydra.events"'))
  assert.equal(opened.length, 1)
  assert.match(said.join(), /tells no events: there is no route/)
})
