import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGateway, createKeys, createLog, parseConfig, systemClock } from '../index.ts'
import { rawClient } from './testing/raw.ts'

test('a browser whose request can not be read gets a page, a program the problem, both with their id and never to be kept', async (t) => {
  const config = parseConfig({
    port: 0,
    host: '127.0.0.1',
    keys: { publicKey: 'a'.repeat(32), privateKey: 'b'.repeat(48) },
  })
  const keys = await createKeys({ given: config.keys, file: '' })
  const gateway = await createGateway(config, { keys, clock: systemClock, log: createLog('silent') })
  t.after(() => gateway.close())
  const ask = async (accept: string) => {
    const lines = `Accept: ${accept}\r\nCookie: a=${'x'.repeat(20_000)}\r\n\r\n`
    const client = rawClient(t, gateway.port, `GET / HTTP/1.1\r\nHost: shop.example\r\n${lines}`)
    const text = await client.closed()
    assert.match(text, /^HTTP\/1.1 431 /)
    assert.match(text, /\r\nDate: /)
    assert.match(text, /\r\nCache-Control: no-store\r\n/i)
    assert.match(text, /\r\nX-Content-Type-Options: nosniff\r\n/i)
    assert.match(text, /\r\nX-Request-Id: \S+\r\n/)
    return text
  }
  const page = await ask('text/html,application/xhtml+xml;q=0.9')
  assert.match(page, /\r\ncontent-type: text\/html/i)
  assert.match(page, /<!doctype html>[\s\S]*HYDRA_HEAD_TOO_LARGE/i)
  assert.match(await ask('*/*'), /\r\ncontent-type: application\/problem\+json[\s\S]*"HYDRA_HEAD_TOO_LARGE"/i)
})
