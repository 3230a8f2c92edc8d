import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostTowards, isThisMachine } from './address.ts'

test('a gateway on this machine reaches the service over loopback', async () => {
  assert.equal(await hostTowards(['http://localhost:8080']), '127.0.0.1')
  assert.equal(await hostTowards(['http://127.0.0.9:8080'], '0.0.0.0'), '127.0.0.1')
  assert.equal(await hostTowards(['ws://[::1]:8080'], '::'), '127.0.0.1')
})

test('an app that listens at one address only is reached there', async () => {
  assert.equal(await hostTowards(['http://localhost:8080'], '10.1.2.3'), '10.1.2.3')
  assert.equal(await hostTowards(['http://localhost:8080'], '::ffff:127.0.0.1'), '127.0.0.1')
})

test('a gateway whose name nobody knows is an error that says so', async () => {
  await assert.rejects(hostTowards(['http://no-such-host.invalid:8080']), /no-such-host\.invalid/)
})

test('loopback is told from other addresses', () => {
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', 'localhost'])
    assert.ok(isThisMachine(address))
  for (const address of ['10.0.0.1', '::2', '127.example.com', '0.0.0.0']) assert.ok(!isThisMachine(address))
})

test('of several gateways one whose name is not known is passed over', async () => {
  const gateways = ['http://no-such-host.invalid:8080', 'http://localhost:8080']
  assert.equal(await hostTowards(gateways), '127.0.0.1')
})
