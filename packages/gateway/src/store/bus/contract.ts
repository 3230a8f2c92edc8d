/**
 * What every bus must do. Each adapter's test calls this with a way to open one, and the same one a second time, as
 * another node has it.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Bus } from './port.ts'

interface OpenedBus {
  readonly bus: Bus
  again(): Promise<Bus>
}

export function busContract(name: string, open: (t: Pick<TestContext, 'after'>) => Promise<OpenedBus>): void {
  const contract = (title: string, run: (bus: Bus, other: Bus) => Promise<void>): void => {
    test(`${name}: ${title}`, async (t) => {
      const { bus, again } = await open(t)
      t.after(() => bus.close())
      await run(bus, await again())
    })
  }
  /** Says `ready` until it is heard: from then on nothing is missed. */
  const listen = async (bus: Bus, topic: string, from: Bus = bus) => {
    const heard: string[] = []
    let isReady = false
    const stop = bus.listen(topic, (text) => {
      if (text === 'ready') isReady = true
      else heard.push(text)
    })
    for (let i = 0; !isReady && i < 400; i++) {
      await from.publish(topic, 'ready')
      await delay(5)
    }
    assert.ok(isReady, 'it hears')
    return { heard, stop }
  }
  const heardAll = async (heard: readonly string[], wanted: readonly string[]): Promise<void> => {
    for (let i = 0; heard.length < wanted.length && i < 400; i++) await delay(5)
    assert.deepEqual(heard, wanted)
  }

  contract('what is published reaches every listener on every node, in order', async (bus, other) => {
    const listeners = [await listen(bus, 'topic'), await listen(bus, 'topic'), await listen(other, 'topic')]
    const texts = Array.from({ length: 50 }, (_, i) => `${i} "ä€𝄞"\n`)
    for (const text of texts) await bus.publish('topic', text)
    for (const { heard } of listeners) await heardAll(heard, texts)
  })

  contract('who listens to another topic hears nothing of it', async (bus, other) => {
    const one = await listen(bus, 'one', other)
    const two = await listen(bus, 'one:two', other)
    await other.publish('one', 'a')
    await other.publish('one:two', 'b')
    await heardAll(one.heard, ['a'])
    await heardAll(two.heard, ['b'])
  })

  contract('who stopped hears nothing more, and others go on', async (bus, other) => {
    const heard: string[] = []
    const listener = (text: string): void => {
      if (text !== 'ready') heard.push(text)
    }
    const first = bus.listen('topic', listener)
    bus.listen('topic', listener)
    const third = await listen(bus, 'topic', other)
    first()
    first()
    await other.publish('topic', 'a')
    await heardAll(third.heard, ['a'])
    assert.deepEqual(heard, ['a'], 'the same function, asked for twice, is ended alone')
  })

  contract('a topic may be left and taken up again', async (bus, other) => {
    for (let i = 0; i < 3; i++) {
      const { heard, stop } = await listen(bus, 'topic', other)
      await other.publish('topic', 'a')
      await heardAll(heard, ['a'])
      stop()
    }
  })

  contract('after close nothing is heard', async (bus, other) => {
    const { heard } = await listen(other, 'topic', bus)
    await other.close()
    await bus.publish('topic', 'a')
    await delay(30)
    assert.deepEqual(heard, [])
  })
}
