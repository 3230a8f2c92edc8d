import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreAway } from '../store/redis/port.ts'
import { ACME, createWorld, HOUR, MIRA } from './testing/world.ts'

test('a session begins, is known by its cookies, goes on, and ends for good', async () => {
  const { clock, sessions, browser } = await createWorld()
  const tab = browser()
  const begun = await sessions.begin(tab.at('/login'), MIRA)
  tab.take(begun)
  assert.equal((await sessions.current(tab.at('/login')))?.sid, begun.session.sid)
  assert.equal(await sessions.renew(tab.at('/login')), undefined, 'the refresh cookie goes to its path only')
  clock.advance(2 * HOUR)
  assert.equal(await sessions.current(tab.at('/login')), undefined, 'the token is over')
  const renewed = await sessions.renew(tab.at('/_hydra/session'))
  assert.equal(renewed?.session.sid, begun.session.sid)
  assert.notEqual(renewed?.token.jti, begun.token.jti)
  const stolen = tab.at('/_hydra/session')
  tab.take(renewed!)
  const { session, cookies } = await sessions.end(tab.at('/logout'))
  assert.equal(session?.sid, begun.session.sid)
  tab.take({ cookies })
  assert.equal(await sessions.current(tab.at('/')), undefined)
  assert.equal(await sessions.renew(stolen), undefined, 'and a copy of its cookies is worth nothing')
})

test('a sign-out ends the session even when its token is over', async () => {
  const { clock, sessions, browser, revocations } = await createWorld()
  const tab = browser()
  const begun = await sessions.begin(tab.at('/login'), MIRA)
  tab.take(begun)
  clock.advance(2 * HOUR)
  const copy = tab.at('/_hydra/session')
  const { session } = await sessions.end(tab.at('/logout'))
  assert.equal(session, undefined)
  assert.ok(revocations.list().some(({ key }) => key === begun.session.sid))
  assert.equal(await sessions.renew(copy), undefined)
})

test('each sign-in has a new id, and ends the session the browser had before', async () => {
  const { sessions, browser } = await createWorld()
  const [tab, other] = [browser(), browser()]
  const first = await sessions.begin(tab.at('/login'), MIRA)
  tab.take(first)
  other.take(first)
  const second = await sessions.begin(tab.at('/login'), MIRA)
  assert.notEqual(second.session.sid, first.session.sid)
  assert.equal(await sessions.current(other.at('/')), undefined)
  assert.equal(await sessions.renew(other.at('/_hydra/session')), undefined)
})

test('a session ends when nobody came for eight hours, and after a day at the latest', async () => {
  const { clock, sessions, browser } = await createWorld()
  const [idle, busy] = [browser(), browser()]
  idle.take(await sessions.begin(idle.at('/login'), MIRA))
  busy.take(await sessions.begin(busy.at('/login'), MIRA))
  const kept = idle.at('/_hydra/session')
  for (let hours = 0; hours < 23; hours++) {
    clock.advance(HOUR)
    busy.take((await sessions.renew(busy.at('/_hydra/session')))!)
    if (hours === 7) assert.equal(await sessions.renew(kept), undefined)
  }
  const last = (await sessions.renew(busy.at('/_hydra/session')))!
  assert.ok(last.token.expiresAt <= last.session.endsAt)
  const late = busy.at('/_hydra/session')
  clock.advance(HOUR + 1)
  assert.equal(await sessions.renew(late), undefined)
})

test('tabs that renew at once, or shortly after with the cookie of before, get the same', async () => {
  const { clock, sessions, browser, signs } = await createWorld()
  const tab = browser()
  tab.take(await sessions.begin(tab.at('/login'), MIRA))
  clock.advance(HOUR / 2)
  const before = tab.at('/_hydra/session')
  const made = signs()
  const all = await Promise.all(Array.from({ length: 20 }, () => sessions.renew(before)))
  assert.equal(new Set(all.map((opened) => opened?.token.token)).size, 1)
  clock.advance(29_000)
  assert.equal((await sessions.renew(before))?.token.token, all[0]?.token.token)
  assert.equal(signs(), made + 1)
  clock.advance(2000)
  assert.notEqual((await sessions.renew(before))?.token.token, all[0]?.token.token)
  await sessions.end(before)
  assert.equal(await sessions.renew(before), undefined, 'what was remembered does not outlive the session')
})

test('a renewal brings people as they are now, and ends for those who may not go on', async () => {
  const { clock, store, sessions, browser, record, revocations } = await createWorld()
  const tab = browser()
  tab.take(await sessions.begin(tab.at('/login'), MIRA))
  await store.users.put({ ...record, roles: ['ADMIN'] })
  const renewed = (await sessions.renew(tab.at('/_hydra/session')))!
  assert.deepEqual(renewed.session.identities[0]?.roles, ['ADMIN'])
  await store.users.put({ ...record, enabled: false })
  clock.advance(HOUR / 2)
  assert.equal(await sessions.renew(tab.at('/_hydra/session')), undefined)
  assert.ok(
    revocations.list().some(({ key }) => key === renewed.session.sid),
    'its token is worth nothing either',
  )
  await assert.rejects(sessions.begin(tab.at('/login'), MIRA), { code: 'HYDRA_FORBIDDEN' })
})

test('who has a token and nothing else, as services do, adds no account to its owner', async () => {
  const { sessions, browser } = await createWorld()
  const tab = browser()
  const begun = await sessions.begin(tab.at('/login'), MIRA)
  tab.take(begun)
  const thief = browser()
  thief.jar.set('HYDRA-SSO', tab.jar.get('HYDRA-SSO')!)
  const at = thief.at('/_hydra/login/acme/callback')
  const session = (await sessions.current(at))!
  assert.equal(session.sid, begun.session.sid)
  const opened = await sessions.link(at, session, ACME)
  assert.notEqual(opened.session.sid, begun.session.sid)
  assert.deepEqual(
    opened.session.identities.map(({ provider }) => provider),
    ['acme'],
  )
  const later = await sessions.begin(browser().at('/login'), ACME)
  assert.equal(later.session.identities.length, 1, 'nor later')
})

test('two logins proved in one session are one person from then on, whichever comes first', async () => {
  const { sessions, browser, gone, clock } = await createWorld()
  const tab = browser()
  const begun = await sessions.begin(tab.at('/login'), MIRA)
  tab.take(begun)
  const linked = await sessions.link(tab.at('/_hydra/login/acme/callback'), begun.session, ACME)
  tab.take(linked)
  assert.equal(linked.session.sid, begun.session.sid)
  assert.deepEqual(
    linked.session.identities.map(({ provider }) => provider),
    ['local', 'acme'],
  )
  assert.equal(linked.session.identities[1]?.providerSession, 'at-acme')

  const other = await sessions.begin(browser().at('/login'), { ...ACME, roles: ['BOSS'] })
  assert.deepEqual(
    other.session.identities.map(({ provider }) => provider),
    ['acme', 'local'],
  )
  const third = await sessions.begin(browser().at('/login'), MIRA)
  assert.deepEqual(third.session.identities[1]?.roles, ['BOSS'], 'what acme said last')
  assert.equal(third.session.identities[1]?.providerSession, undefined)

  gone.add('acme')
  clock.advance(HOUR / 2)
  const renewed = await sessions.renew(tab.at('/_hydra/session'))
  assert.deepEqual(
    renewed?.session.identities.map(({ provider }) => provider),
    ['local'],
  )
})

test('another account of the same provider is another person, not a link', async () => {
  const { sessions, browser, store } = await createWorld()
  const tab = browser()
  const begun = await sessions.begin(tab.at('/login'), ACME)
  tab.take(begun)
  const other = await sessions.link(tab.at('/'), begun.session, { ...ACME, subject: '0018' })
  assert.notEqual(other.session.sid, begun.session.sid)
  assert.deepEqual(await store.links.linked('acme:0018'), [])
})

test('what has no room in a cookie: linked people are left out, somebody alone is told', async () => {
  const { sessions, browser, store, refused } = await createWorld({ metadata: { text: 'x'.repeat(3000) } })
  const wide = { ...ACME, claims: { text: 'y'.repeat(1500) } }
  await store.links.link([MIRA, wide].map((data) => ({ key: `${data.provider}:${data.subject}`, data })))
  const begun = await sessions.begin(browser().at('/login'), wide)
  assert.deepEqual(
    begun.session.identities.map(({ provider }) => provider),
    ['acme'],
  )
  for (const line of begun.cookies) assert.ok(line.split(';')[0]!.length <= 4096)
  const huge = { ...ACME, claims: { text: 'y'.repeat(5000) } }
  await assert.rejects(sessions.begin(browser().at('/login'), huge), { code: 'HYDRA_LOGIN_FAILED' })
  await assert.rejects(
    sessions.link(browser().at('/'), begun.session, { ...MIRA, claims: { text: 'z'.repeat(3000) } }),
    {
      code: 'HYDRA_LOGIN_FAILED',
    },
  )
  assert.ok(refused.includes('login too-large'))
})

test('forged, oversize and doubled session cookies are none, and are counted', async () => {
  const { sessions, browser, refused } = await createWorld()
  const tab = browser()
  const begun = await sessions.begin(tab.at('/login'), MIRA)
  tab.take(begun)
  const sealed = tab.jar.get('HYDRA-SESSION')!
  const { value } = sealed
  for (const other of ['x', `${value.slice(0, -2)}AA`, value.repeat(10), begun.token.token]) {
    sealed.value = other
    assert.equal(await sessions.renew(tab.at('/_hydra/session')), undefined)
  }
  sealed.value = `${value}; HYDRA-SESSION=${value}`
  assert.equal(await sessions.renew(tab.at('/_hydra/session')), undefined)
  assert.deepEqual([...new Set(refused)], ['cookie session-forged'])
})

test('with __Host- a session cookie tossed in by a neighbour host is not renewed', async () => {
  const { sessions, browser, refused } = await createWorld({ host: true })
  const [mine, theirs] = [browser(), browser()]
  mine.take(await sessions.begin(mine.at('/login'), MIRA))
  theirs.take(await sessions.begin(theirs.at('/login'), ACME))
  assert.ok(await sessions.renew(mine.at('/_hydra/session')))
  mine.jar.set('HYDRA-SESSION', theirs.jar.get('HYDRA-SESSION')!)
  assert.equal(await sessions.renew(mine.at('/_hydra/session')), undefined)
  assert.deepEqual(refused, ['cookie session-tossed'])
})

test('the session of a revoked user goes no further', async () => {
  const { sessions, browser, revocations, clock } = await createWorld()
  for (const [kind, key] of [
    ['user', 'acme:0017'],
    ['user', 'mira.k'],
  ] as const) {
    const tab = browser()
    clock.advance(1)
    tab.take(await sessions.begin(tab.at('/login'), ACME))
    assert.ok(await sessions.current(tab.at('/')))
    await revocations.revoke(kind, key, 'test')
    assert.equal(await sessions.renew(tab.at('/_hydra/session')), undefined)
    assert.equal(await sessions.current(tab.at('/')), undefined)
  }
})

test('while the store is away a session begins without links, goes on as it was, and has its links back later', async () => {
  const { clock, sessions, browser, store } = await createWorld()
  const away = async () => {
    throw new StoreAway('away')
  }
  await store.links.link([ACME, MIRA].map((one) => ({ key: `${one.provider}:${one.subject}`, data: one })))
  const [linked, find] = [store.links.linked, store.users.find]
  Object.assign(store.links, { linked: away })
  Object.assign(store.users, { find: away })
  const tab = browser()
  const begun = await sessions.begin(tab.at('/login'), ACME)
  assert.equal(begun.session.identities.length, 1)
  tab.take(begun)

  Object.assign(store.links, { linked })
  Object.assign(store.users, { find })
  const other = browser()
  const whole = await sessions.begin(other.at('/login'), ACME)
  assert.deepEqual(
    whole.session.identities.map(({ provider }) => provider),
    ['acme', 'local'],
  )
  other.take(whole)
  Object.assign(store.users, { find: away })
  clock.advance(HOUR)
  const renewed = await sessions.renew(other.at('/_hydra/session'))
  assert.deepEqual(
    renewed?.session.identities.map(({ username }) => username),
    ['mira.k', 'mira'],
  )
})
