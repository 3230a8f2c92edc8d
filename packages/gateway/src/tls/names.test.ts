import assert from 'node:assert/strict'
import { test } from 'node:test'
import { certificateNames, indexByName } from './names.ts'

test('a certificate is for the names and addresses it lists', () => {
  const subjectAltName = 'DNS:Shop.example, DNS:*.shop.example, IP Address:127.0.0.1, URI:http://x, email:a@b'
  assert.deepEqual(certificateNames({ subjectAltName }), ['shop.example', '*.shop.example', '127.0.0.1'])
  assert.deepEqual(certificateNames({ subjectAltName: undefined }), [])
})

test('a name that holds a list of names is none of them', () => {
  const subjectAltName = 'DNS:"evil.example, DNS:shop.example", DNS:ok.example'
  assert.ok(!certificateNames({ subjectAltName }).includes('evil.example'))
})

test('a whole name counts before a wildcard, which stands for one label only', () => {
  const found = indexByName([
    [['*.shop.example', 'shop.example'], 'wild'],
    [['pay.shop.example'], 'pay'],
    [['shop.example'], 'late'],
  ])
  for (const [name, value] of [
    ['shop.example', 'wild'],
    ['SHOP.example.', 'wild'],
    ['pay.shop.example', 'pay'],
    ['any.shop.example', 'wild'],
    ['a.b.shop.example', undefined],
    ['example', undefined],
    ['.shop.example', undefined],
    ['', undefined],
  ] as const) {
    assert.equal(found.find(name), value, name)
  }
})
