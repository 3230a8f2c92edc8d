import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClient } from '@redis/client'
import { openBlackHole } from '../support/black-hole.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis } from '../support/redis.ts'
import { createPushFilter } from '../support/resp.ts'

for (const RESP of [2, 3] as const) {
  test(`a line to Redis swallows everything, loses messages alone, and is mended (RESP${RESP})`, async (t) => {
    const redis = await startRedis(t)
    const line = await openBlackHole(t, redis.port)
    const open = async () => {
      const client = createClient({
        RESP,
        socket: { port: line.port, host: '127.0.0.1', connectTimeout: 300 },
      })
      client.on('error', () => {})
      await client.connect()
      t.after(() => client.destroy())
      return client
    }
    const [client, subscriber] = [await open(), await open()]
    const heard: string[] = []
    await subscriber.subscribe('news', (text) => heard.push(text))
    await client.publish('news', 'one')
    await eventually(() => assert.deepEqual(heard, ['one']))

    line.set('lossy')
    await client.publish('news', 'two')
    await client.set('key', 'x'.repeat(300_000))
    assert.equal((await client.get('key'))?.length, 300_000)
    await eventually(() => assert.equal(line.lost, 1))
    line.set('pass')
    await client.publish('news', 'three')
    await eventually(() => assert.deepEqual(heard, ['one', 'three']))

    line.set('hole')
    const patience = Promise.withResolvers<string>()
    setTimeout(patience.resolve, 200, 'nothing')
    const asked = client.get('key').catch(() => 'broken')
    assert.equal(await Promise.race([asked, patience.promise]), 'nothing')
    line.set('pass')
    await eventually(async () => assert.equal((await client.get('key'))?.length, 300_000))
  })
}

test('replies are told from messages however the bytes are cut', () => {
  const reply = '*2\r\n$3\r\nfoo\r\n*2\r\n$7\r\nmessage\r\n:1\r\n'
  const push = '>3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhi\r\nx\r\n'
  const others = '%1\r\n+a\r\n~1\r\n#t\r\n_\r\n$-1\r\n>3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n'
  const bytes = Buffer.from(reply + push + others + push)
  for (let size = 1; size <= bytes.length; size++) {
    const filter = createPushFilter()
    let kept = ''
    let dropped = 0
    for (let at = 0; at < bytes.length; at += size) {
      const read = filter.read(bytes.subarray(at, at + size), true)
      kept += read.kept.toString()
      dropped += read.dropped
    }
    assert.deepEqual([kept, dropped], [reply + others, 2], `pieces of ${size}`)
  }
})
