import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRedisUrl } from './address.ts'
import { slotOf } from './slot.ts'

const PLAIN = { tls: false, database: 0 }

test('a URL of Redis may name one server, Sentinels or nodes of a Cluster', () => {
  const read: [string, object][] = [
    ['redis://h', { ...PLAIN, kind: 'single', seeds: [{ host: 'h', port: 6379 }], place: 'redis at h:6379' }],
    [
      'rediss://user:p%40ss%2Fword@h:1/3',
      {
        ...PLAIN,
        kind: 'single',
        seeds: [{ host: 'h', port: 1 }],
        tls: true,
        database: 3,
        username: 'user',
        password: 'p@ss/word',
        place: 'redis at h:1',
      },
    ],
    [
      'redis://:secret@[::1]:7/',
      {
        ...PLAIN,
        kind: 'single',
        seeds: [{ host: '::1', port: 7 }],
        password: 'secret',
        place: 'redis at [::1]:7',
      },
    ],
    [
      'redis+sentinel://u:p@a,b:5/main/2',
      {
        kind: 'sentinel',
        seeds: [
          { host: 'a', port: 26_379 },
          { host: 'b', port: 5 },
        ],
        name: 'main',
        tls: false,
        database: 2,
        username: 'u',
        password: 'p',
        place: 'redis main by sentinel at a:26379, b:5',
      },
    ],
    [
      'rediss+cluster://a,b',
      {
        kind: 'cluster',
        seeds: [
          { host: 'a', port: 6379 },
          { host: 'b', port: 6379 },
        ],
        tls: true,
        database: 0,
        place: 'redis cluster at a:6379, b:6379',
      },
    ],
  ]
  for (const [url, wanted] of read) assert.deepEqual(readRedisUrl(url), wanted, url)
})

test('a URL that is none is refused with a sentence that keeps the password', () => {
  for (const url of [
    'http://:hunter2@h',
    'redis://:hunter2@h,i',
    'redis+sentinel://:hunter2@h',
    'redis://:hunter2@h/x',
    'redis://:hunter2@h/1/2',
    'redis+cluster://:hunter2@h/1',
    'redis://:hunter2@h:99999',
    'redis://:hunter2%@h',
    'redis://:hunter2/x@h',
    'redis://user:hunter2/x@h',
    'redis+cluster://:hunter2,a/b@h',
    'redis://h:hunter2',
    'redis://',
    '',
  ])
    assert.throws(
      () => readRedisUrl(url),
      (error: Error) => error.message.length > 10 && !error.message.includes('hunter2'),
      url,
    )
})

test('the slot of a key is that of its hash tag', () => {
  assert.equal(slotOf('123456789'), 12_739)
  assert.equal(slotOf('foo'), 12_182)
  assert.equal(slotOf('hydra-gateway:{reg}:records'), slotOf('reg'))
  assert.equal(slotOf('{user1000}.following'), slotOf('user1000'))
  assert.notEqual(slotOf('foo{}{bar}'), slotOf('bar'))
  assert.equal(slotOf('foo{{bar}}zap'), slotOf('{bar'))
  assert.equal(slotOf('a{b'), slotOf('a{b'))
})
