import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLoopback, localUrlHost, plainAddress, urlHost } from './address.ts'

test('an IPv4 address is the same on an IPv6 socket', () => {
  assert.equal(plainAddress('::ffff:10.0.0.1'), '10.0.0.1')
  assert.equal(plainAddress('::FFFF:10.0.0.1'), '10.0.0.1')
  for (const address of ['10.0.0.1', '::1', '::ffff:0:10.0.0.1', 'fd00::ffff:1', 'orders.internal'])
    assert.equal(plainAddress(address), address)
})

test('only addresses of this machine are loopback', () => {
  for (const address of ['127.0.0.1', '127.255.9.0', '::1', '::ffff:127.0.0.1'])
    assert.ok(isLoopback(address), address)
  for (const address of [
    '10.0.0.1',
    '::2',
    '127.1',
    '127.0.0.256',
    '127.0.0.1.example',
    'localhost',
    '',
    '0.0.0.0',
  ])
    assert.ok(!isLoopback(address), address)
})

test('a host is written as a URL wants it', () => {
  for (const host of ['10.0.0.1', 'fd00::1', 'orders']) {
    const { hostname } = new URL(`http://${urlHost(host)}:8080`)
    assert.equal(hostname.replace(/^\[|\]$/g, ''), host)
  }
  for (const anywhere of [undefined, '::', '0.0.0.0']) assert.equal(localUrlHost(anywhere), 'localhost')
  assert.equal(localUrlHost('::1'), '[::1]')
})
