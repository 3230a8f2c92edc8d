import assert from 'node:assert/strict'
import { test } from 'node:test'
import { perService } from './per-service.ts'

test('what a service has is worked out once, nothing at all too, for as many as there are', () => {
  const asked: string[] = []
  const of = perService((service) => {
    asked.push(service)
    return service === 'none' ? undefined : { service }
  })
  assert.equal(of('shop'), of('shop'))
  assert.equal(of('none'), undefined)
  assert.equal(of('none'), undefined)
  assert.deepEqual(asked, ['shop', 'none'])

  // Names come from outside: more of them than there are services are not all kept.
  for (let n = 0; n < 10_000; n++) of(`s${n}`)
  asked.length = 0
  of('shop')
  assert.deepEqual(asked, ['shop'])
})
