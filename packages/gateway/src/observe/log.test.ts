import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from './log.ts'

function lines(level = 'info') {
  const written: Record<string, unknown>[] = []
  const log = createLog(level, { write: (line: string) => void written.push(JSON.parse(line)) })
  return { log, written }
}

test('a line is an event with fields, a level as a word and a time in ISO form', () => {
  const { log, written } = lines()
  log.info({ service: 'orders', revision: 3 }, 'instance registered')
  const [line] = written
  assert.equal(line?.level, 'info')
  assert.equal(line?.msg, 'instance registered')
  assert.deepEqual([line?.service, line?.revision], ['orders', 3])
  assert.match(String(line?.time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
})

test('secrets are never written', () => {
  const { log, written } = lines()
  const secrets = {
    authorization: 'Basic abc',
    cookie: 'HYDRA-SSO=abc',
    'set-cookie': 'a=abc',
    privateKey: 'abc',
  }
  log.info({ ...secrets, headers: secrets, password: 'abc', token: 'abc' }, 'x')
  log.child({ privateKey: 'abc' }).info('y')
  assert.equal(written.length, 2)
  assert.doesNotMatch(JSON.stringify(written), /abc/)
})

test('below its level nothing is written', () => {
  const { log, written } = lines('warn')
  log.info('x')
  assert.deepEqual(written, [])
})
