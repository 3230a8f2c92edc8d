import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '../config.ts'
import { checkGivenSockets, readGivenSockets } from './given-sockets.ts'

const read = (env: Record<string, string>, more = {}) =>
  readGivenSockets({ env, pid: 100, between: undefined, isSocket: () => true, ...more })

test('sockets of systemd are known by their names, the first without names is for visitors', () => {
  const forUs = { LISTEN_PID: '100' }
  assert.deepEqual(read({}), {})
  assert.deepEqual(read({ ...forUs, LISTEN_FDS: '1' }), { http: 3 })
  assert.deepEqual(read({ ...forUs, LISTEN_FDS: '1', LISTEN_FDNAMES: 'hydra.socket' }), { http: 3 })
  assert.deepEqual(read({ ...forUs, LISTEN_FDS: '3', LISTEN_FDNAMES: 'control:http:rsocket' }), {
    control: 3,
    http: 4,
    rsocket: 5,
  })
})

test('sockets of another process are none of ours, but those that one of ours hands on', () => {
  const env = { LISTEN_FDS: '1', LISTEN_PID: '99' }
  assert.deepEqual(read(env), {})
  assert.deepEqual(read(env, { between: 99 }), { http: 3 })
})

test('sockets nobody could know what to do with are refused, with what to write', () => {
  const forUs = { LISTEN_PID: '100' }
  assert.throws(() => read({ ...forUs, LISTEN_FDS: 'many' }), /LISTEN_FDS is "many"/)
  assert.throws(() => read({ ...forUs, LISTEN_FDS: '2' }), /LISTEN_FDNAMES is "" for socket 2; write http/)
  assert.throws(() => read({ ...forUs, LISTEN_FDS: '2', LISTEN_FDNAMES: 'http:http' }), /http twice/)
  assert.throws(() => read({ ...forUs, LISTEN_FDS: '1' }, { isSocket: () => false }), /3 is no socket/)
  assert.throws(() => checkGivenSockets({ http: 3, control: 4 }, parseConfig({})), /controlPort is not set/)
  checkGivenSockets({ http: 3, control: 4 }, parseConfig({ controlPort: 8081 }))
})
