import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatUmf } from '@hydra-gateway/protocol/umf'
import { systemClock } from '../observe/clock.ts'
import { createClassicSession } from './classic-session.ts'
import type { ClientLine } from './client-session.ts'
import { type ClientMail, MessageProblem } from './port.ts'

const messageOf = (body: string) => ({
  ...{ to: 'c1@client:/', from: 'orders:/', mid: body.slice(0, 8), timestamp: '', version: 'UMF/1.4.6' },
  body,
})

/** A client that reads only when it is told to, with mail as stores keep it. */
function slowClient(...box: string[]) {
  const sent: string[] = []
  let read = (): void => {}
  const line: ClientLine = {
    address: '127.0.0.1',
    isOpen: true,
    behindBytes: 0,
    send(text, onSettled) {
      sent.push(text)
      if (onSettled) read = () => onSettled(true)
      return true
    },
    close() {},
  }
  const mail: ClientMail = {
    async put(_client, text) {
      box.push(text)
    },
    async give(_client, take) {
      let given = 0
      for (; box.length > 0; given++) await take(box.shift()!)
      return given
    },
    async remove() {},
  }
  const session = createClassicSession('c1', line, { caller: undefined, address: '127.0.0.1' }, systemClock)
  /** As the messenger does it. */
  const send = async (body: string): Promise<'now' | 'later'> => {
    try {
      return await session.deliver(messageOf(body))
    } catch (error) {
      assert.ok(error instanceof MessageProblem && error.fault === 'unknown-client')
      await mail.put('c1', formatUmf(messageOf(body)))
      void session.collect(mail)
      return 'later'
    }
  }
  /** Each by its first word. */
  const got = () => sent.map((text) => /"bdy":"(\w+)/.exec(text)?.[1] ?? text)
  return { session, mail, send, got, read: () => read() }
}

test('what waits for a client that does not read its mail is bounded in bytes, and the rest is mail', async () => {
  const { session, mail, send, got, read } = slowClient('mail')
  const collected = session.collect(mail)
  const large = 'x'.repeat(300_000)
  const bodies = Array.from({ length: 10 }, (_, n) => `${n} ${large}`)
  // one that would fit is not to overtake those that did not
  const sent = [...bodies, 'small'].map(send)
  assert.deepEqual(got(), ['mail'])
  const reading = setInterval(read, 1)
  const when = await Promise.all(sent)
  assert.ok((await collected) > 1)
  clearInterval(reading)
  assert.deepEqual(when, Array(11).fill('later'))
  assert.deepEqual(got(), ['mail', ...Array.from({ length: 10 }, (_, n) => `${n}`), 'small'])
  // and from then on as ever
  assert.equal(await session.deliver(messageOf('after')), 'now')
  assert.equal(got().at(-1), 'after')
})

test('nobody waits for long for a client that stopped reading in the middle of its mail', async () => {
  const { session, mail, send, got, read } = slowClient('mail')
  const collected = session.collect(mail)
  assert.deepEqual(await Promise.all(['1', '2'].map(send)), ['later', 'later'])
  assert.equal(await send('3'), 'later')
  assert.deepEqual(got(), ['mail'])
  const reading = setInterval(read, 1)
  assert.equal(await collected, 4)
  clearInterval(reading)
  assert.deepEqual(got(), ['mail', '1', '2', '3'])
})
