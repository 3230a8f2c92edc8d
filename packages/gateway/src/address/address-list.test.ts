import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileAddressList } from './address-list.ts'

const isIn = (entries: string[], address: string) => compileAddressList(entries).has(address)

test('a range contains its first and last address and not their neighbours', () => {
  const list = compileAddressList(['10.1.0.0/16', 'fd00:1::/32'])
  for (const inside of ['10.1.0.0', '10.1.255.255', 'fd00:1::', 'FD00:1:ffff::9'])
    assert.ok(list.has(inside), inside)
  for (const outside of ['10.0.255.255', '10.2.0.0', 'fd00:2::', '::']) assert.ok(!list.has(outside), outside)
})

test('a plain address is a range of one', () => {
  assert.ok(isIn(['192.168.1.7'], '192.168.1.7'))
  assert.ok(!isIn(['192.168.1.7'], '192.168.1.8'))
  assert.ok(isIn(['::1'], '0:0:0:0:0:0:0:1'))
})

test('the host part of a range is ignored', () => assert.ok(isIn(['10.9.8.7/8'], '10.1.1.1')))

test('an IPv4 address is the same inside IPv6', () => {
  for (const written of ['::ffff:10.1.2.3', '::ffff:a01:203', '0:0:0:0:0:FFFF:10.1.2.3']) {
    assert.ok(isIn(['10.0.0.0/8'], written), written)
    assert.ok(isIn([written], '10.1.2.3'), written)
  }
  assert.ok(isIn(['::ffff:10.0.0.0/104'], '10.255.0.1'))
  assert.ok(!isIn(['::ffff:10.0.0.0/104'], '11.0.0.1'))
})

test('all of IPv6 is not all of IPv4', () => {
  assert.ok(!isIn(['::/0'], '10.0.0.1'))
  assert.ok(isIn(['::/0'], '2001:db8::1'))
  assert.ok(isIn(['0.0.0.0/0'], '203.0.113.9'))
})

test('words stand for well-known ranges', () => {
  for (const address of ['127.0.0.1', '127.255.0.1', '::1', '::ffff:127.0.1.1'])
    assert.ok(isIn(['loopback'], address), address)
  for (const address of ['10.0.0.1', '172.16.0.1', '172.31.9.9', '192.168.0.1', 'fd12::1'])
    assert.ok(isIn(['Private'], address), address)
  for (const address of ['172.32.0.1', '169.254.1.1', '8.8.8.8', 'fe80::1', '127.0.0.1'])
    assert.ok(!isIn(['private'], address), address)
})

test('the zone of a link-local peer is not part of its address', () =>
  assert.ok(isIn(['fe80::/10'], 'fe80::1%eth0')))

test('an empty list contains nobody, and what is no address is in no list', () => {
  assert.ok(!isIn([], '127.0.0.1'))
  for (const text of ['', 'localhost', '127.1', '0x7f.0.0.1', '2130706433', '010.0.0.1', '10.0.0.1 ']) {
    assert.ok(!isIn(['0.0.0.0/0', '::/0'], text), text)
  }
})

test('every bad entry is named at once', () => {
  const bad = [
    '10.0.0.0/33',
    'fd00::/129',
    '10.0.0',
    'example.org',
    'constructor',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    '::ffff:10.0.0.0/95',
    '',
  ]
  assert.throws(
    () => compileAddressList(['10.0.0.0/8', ...bad]),
    ({ message }: Error) =>
      bad.every((entry) => message.includes(JSON.stringify(entry))) && !message.includes('"10.0.0.0/8"'),
  )
})

test('a range contains exactly the addresses that begin with its bits', () => {
  const octets = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 })
  const bitsOf = (address: number[]) => address.map((octet) => octet.toString(2).padStart(8, '0')).join('')
  fc.assert(
    fc.property(
      octets,
      octets,
      fc.integer({ min: 0, max: 32 }),
      fc.boolean(),
      (range, other, bits, isClose) => {
        const asked = isClose ? [...range.slice(0, 3), other[3]!] : other
        assert.equal(
          isIn([`${range.join('.')}/${bits}`], asked.join('.')),
          bitsOf(asked).startsWith(bitsOf(range).slice(0, bits)),
        )
      },
    ),
  )
})
