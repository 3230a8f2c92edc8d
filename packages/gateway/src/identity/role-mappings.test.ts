import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mapRoles } from '@hydra-gateway/protocol'
import { compileRoleMappings } from './role-mappings.ts'

test('a role is mapped in the services its patterns fit', () => {
  const mappings = compileRoleMappings({
    MANAGER: { mappedTo: 'ADMIN', service: 'shop.*,XYZ' },
    USER: { mappedTo: 'reader', service: '.*' },
  })
  assert.deepEqual(mappings('shop-eu'), { MANAGER: 'ADMIN', USER: 'reader' })
  assert.deepEqual(mappings('XYZ'), { MANAGER: 'ADMIN', USER: 'reader' })
  assert.deepEqual(mappings('orders'), { USER: 'reader' })
  assert.deepEqual(mapRoles(['MANAGER', 'USER'], mappings('shop')), ['ADMIN', 'READER'])
})

test('one service gets the same object each time, which nobody can change', () => {
  const mappings = compileRoleMappings({ A: { mappedTo: 'B', service: '.*' } })
  assert.equal(mappings('shop'), mappings('shop'))
  assert.ok(Object.isFrozen(mappings('shop')))
})

test('a role may have the name of what every object has', () => {
  const roles = JSON.parse('{"__proto__": {"mappedTo": "ADMIN", "service": ".*"}}')
  const mapped = compileRoleMappings(roles)('shop')
  assert.deepEqual(mapRoles(['__proto__', 'constructor'], mapped), ['ADMIN', 'CONSTRUCTOR'])
})
