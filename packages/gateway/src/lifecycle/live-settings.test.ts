import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { configSchema } from '../config/schema.ts'
import { parseConfig } from '../config.ts'
import { changedSettings, LIVE_SETTINGS, RESTART_SETTINGS } from './live-settings.ts'

const covers = (name: string, path: string) => path === name || path.startsWith(`${name}.`)

/** Every setting that is no group, by its path. */
function settings(schema: any, path: readonly string[] = []): string[] {
  let inner = schema
  while (!inner.shape && inner.unwrap) inner = inner.unwrap()
  while (!inner.shape && inner.def?.innerType) inner = inner.def.innerType
  if (!(inner instanceof z.ZodObject)) return [path.join('.')]
  return Object.entries(inner.shape).flatMap(([name, one]) => settings(one, [...path, name]))
}

test('every setting either takes effect with a reload or needs a restart, and none both', () => {
  const all = settings(configSchema)
  assert.ok(all.length > 80 && all.includes('http.stopGrace'), all.join())
  for (const path of all) {
    const lists = [LIVE_SETTINGS, RESTART_SETTINGS].flatMap((list) =>
      list.filter((name) => covers(name, path)),
    )
    assert.equal(lists.length, 1, `${path} is in ${lists.length} lists: ${lists}`)
  }
})

test('both lists name settings that exist', () => {
  const all = settings(configSchema)
  for (const name of [...LIVE_SETTINGS, ...RESTART_SETTINGS])
    assert.ok(
      all.some((path) => covers(name, path) || covers(path, name)),
      name,
    )
})

test('what differs is named as precisely as it can be', () => {
  const before = parseConfig({})
  const after = parseConfig({ http: { maxBodyBytes: 5, idleTimeout: '3s' }, host: '::1', logLevel: 'warn' })
  assert.deepEqual([...changedSettings(LIVE_SETTINGS, before, after)].sort(), [
    'http.idleTimeout',
    'http.maxBodyBytes',
    'logLevel',
  ])
  assert.deepEqual(changedSettings(RESTART_SETTINGS, before, after), ['host'])
  assert.deepEqual(changedSettings(LIVE_SETTINGS, before, before), [])
})
