import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Overview } from '@hydra-gateway/protocol'
import { createManualClock } from '../observe/manual-clock.ts'
import { createAnnouncer } from './announcer.ts'

const OVERVIEW: Overview = {
  type: 'ACTIVE_SERVERS_UPDATE',
  hash: '',
  services: [],
  menus: {},
  publicKey: null,
  roleMappings: {},
}

/** Counts announcements while something changes each ms for a second; compiling takes `tookMs`. */
function announcedInASecond(tookMs: number): number {
  const manual = createManualClock()
  let spentMs = 0
  const clock = { ...manual, monotonic: () => manual.monotonic() + spentMs }
  const compile = () => {
    spentMs += tookMs
    return { ...OVERVIEW }
  }
  const announcer = createAnnouncer({ compile, clock })
  let announced = 0
  announcer.listen(() => announced++)
  for (let ms = 0; ms < 1000; ms++) {
    announcer.touch()
    manual.advance(1)
  }
  return announced
}

test('changes that come together are one announcement, and a large site in constant change is announced less often', () => {
  assert.equal(announcedInASecond(1), 100)
  const large = announcedInASecond(40)
  assert.ok(large >= 4 && large <= 6, `${large} times`)
  const huge = announcedInASecond(200)
  assert.ok(huge >= 3 && huge <= 5, `${huge} times`)
})

test('whoever asks gets the present state at once', () => {
  const clock = createManualClock()
  let services = 0
  const announcer = createAnnouncer({
    compile: () => ({ ...OVERVIEW, hash: String(++services) }),
    clock,
  })
  assert.equal(announcer.current().hash, '1')
  assert.equal(announcer.current().hash, '1')
  announcer.touch()
  assert.equal(announcer.current().hash, '2')
})
