import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openSqliteIdentityStore, verifyPassword } from '@hydra-gateway/gateway/identity'
import { bareEnv, emptyDirectory, HYDRA, type Ran, runHydra } from '../support/hydra.ts'
import { runPiped } from '../support/run-piped.ts'

const PASSWORD = 'correct horse'

/** `hydra users …` with something piped in. */
async function shell(t: TestContext, env: Record<string, string> = {}) {
  const cwd = await emptyDirectory(t)
  const hydra = (words: readonly string[], input?: string): Promise<Ran> =>
    input === undefined ? runHydra(words, { cwd, env }) : runPiped(words, { cwd, env, input })
  return { cwd, file: join(cwd, '.hydra', 'identity.db'), hydra }
}

test('a user is added, listed, changed and removed, without a gateway', async (t) => {
  const { file, hydra } = await shell(t)
  const nobody = await hydra(['users'])
  assert.equal(nobody.status, 1)
  assert.match(nobody.err, /There are no users: .*identity\.db does not exist\. hydra users add NAME/)
  assert.equal(existsSync(file), false)

  const words = [
    'users',
    'add',
    'ada',
    '--roles',
    'USER, ADMIN',
    '--id',
    '7',
    '--metadata',
    '{"department":"garden"}',
  ]
  const added = await hydra([...words, '--password-stdin'], `${PASSWORD}\nnot this line\n`)
  assert.equal(added.status, 0, added.err)
  assert.equal(added.out, `ada is added to ${file}.\n`)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  await hydra(['users', 'add', 'bob', '--password-stdin'], `${PASSWORD}\r\n`)
  const listed = await hydra(['users'])
  assert.match(listed.out, /2 users\./)
  assert.match(listed.out, /● enabled +ada +USER, ADMIN +7 +department=garden$/m)
  assert.equal((await hydra(['users', 'list', '--json'])).out, (await hydra(['users', '--json'])).out)

  assert.equal((await hydra(['users', 'roles', 'ada'])).out, 'USER\nADMIN\n')
  assert.equal(
    (await hydra(['users', 'roles', 'ada', '--add', 'EDITOR', '--remove', 'USER'])).out,
    'ADMIN\nEDITOR\n',
  )
  assert.equal((await hydra(['users', 'roles', 'ada', 'USER'])).out, 'USER\n')
  assert.match((await hydra(['users', 'disable', 'bob'])).out, /bob is disabled\. Sessions end/)
  assert.match((await hydra(['users', '--ascii'])).out, /^ {2}x disabled +bob$/m)
  assert.match((await hydra(['users', 'enable', 'bob'])).out, /bob may sign in/)
  const removed = JSON.parse((await hydra(['users', 'remove', 'bob', '--json'])).out)
  assert.equal(removed.user.username, 'bob')
  assert.doesNotMatch((await hydra(['users'])).out, /bob/)

  const store = await openSqliteIdentityStore(file)
  t.after(() => store.close())
  const user = (await store.users.find('ada'))!
  assert.ok(await verifyPassword(user.passwordHash, PASSWORD))
  assert.deepEqual([user.id, user.metadata, user.roles], [7, { department: 'garden' }, ['USER']])
})

test('who is disabled, removed or given another password has no session left', async (t) => {
  const { file, hydra } = await shell(t)
  const began = Date.now()
  for (const name of ['ada', 'bob', 'eve']) await hydra(['users', 'add', name, '--password-stdin'], PASSWORD)
  const passwd = await hydra(['users', 'passwd', 'ada', '--password-stdin'], 'another horse\n')
  assert.match(passwd.out, /ada has another password\. Sessions end within a second\./)
  await hydra(['users', 'disable', 'bob'])
  await hydra(['users', 'remove', 'eve'])

  const store = await openSqliteIdentityStore(file)
  t.after(() => store.close())
  const { fresh: revocations } = await store.revocations.since(undefined, Date.now())
  assert.deepEqual(
    revocations.map(({ kind, key, reason }) => [kind, key, reason]),
    [
      ['user', 'local:ada', 'password changed'],
      ['user', 'local:bob', 'user disabled'],
      ['user', 'local:eve', 'user removed'],
    ],
  )
  for (const { at, until } of revocations) assert.ok(at >= began && until === at + 24 * 3_600_000)
  assert.ok(await verifyPassword((await store.users.find('ada'))!.passwordHash, 'another horse'))
})

test('what can’t be done says why and what to do, and changes nothing', async (t) => {
  const { cwd, file, hydra } = await shell(t)
  await hydra(['users', 'add', 'ada', '--password-stdin'], PASSWORD)
  const refused = async (words: readonly string[], message: RegExp, status = 1, input?: string) => {
    const ran = await hydra(['users', ...words], input)
    assert.deepEqual([ran.status, ran.out], [status, ''], words.join(' '))
    assert.match(ran.err, message)
  }
  await refused(
    ['add', 'ada', '--password-stdin'],
    /user called ada in .* already\. hydra users passwd ada/,
    1,
    PASSWORD,
  )
  await refused(
    ['add', 'bob', '--password-stdin'],
    /shorter than 8 characters; nothing was changed/,
    1,
    'short',
  )
  await refused(['add', 'bob', '--password-stdin'], /There is no password/, 1, '')
  await refused(['add', 'bob', '--password-stdin'], /too long for a password/, 1, 'x'.repeat(10_000))
  await refused(['add', 'bob'], /no terminal to ask for a password at\. Pipe it in with --password-stdin/, 2)
  await refused(['add', 'bob', '--password', PASSWORD], /--password is not a flag we know/, 2)
  await refused(['add', 'bob', '--id', 'x'], /--id is "x"; write a whole number/, 2)
  await refused(['add', 'bob', '--metadata', '[1]'], /--metadata is no JSON object/, 2)
  await refused(
    ['add', 'bob', '--metadata', '{"sub":"local:root"}', '--password-stdin'],
    /Metadata may not set what has a meaning of its own/,
    1,
    PASSWORD,
  )
  await refused(['add', ' bob', '--password-stdin'], /begins or ends with a space/, 1, PASSWORD)
  await refused(['disable', 'adda'], /No user is called adda in .*; did you mean ada\?/)
  await refused(['roles', 'ada', 'A', '--add', 'B'], /they go with neither --add nor --remove/, 2)
  await refused(
    ['roles', 'ada', '--add', 'USER ADMIN'],
    /A role is a word, and "USER ADMIN" has a space in it; several are written with commas: USER,ADMIN/,
    2,
  )
  await refused(['add', 'bob', '--roles', 'A B', '--password-stdin'], /A role is a word/, 2, PASSWORD)
  await refused(['list', '--database', 'elsewhere.db'], /elsewhere\.db does not exist/)
  assert.equal((await hydra(['users'])).out.match(/enabled/g)?.length, 1)

  await writeFile(join(cwd, 'broken.db'), 'no database. '.repeat(100))
  await refused(['list', '--database', 'broken.db'], /broken\.db, the identity database, is broken/)
  const none = await runHydra(['users'], { cwd, env: { HYDRA_IDENTITY_DATABASE: 'false' } })
  assert.equal(none.status, 1)
  assert.match(none.err, /says that there is no identity database \(identity\.database: false\)/)
  assert.ok(existsSync(file))
})

test('users of the configuration are named beside the others, and changed there', async (t) => {
  const { cwd, hydra } = await shell(t)
  const hash = (await hydra(['users', 'hash', '--password-stdin'], PASSWORD)).out.trim()
  assert.match(hash, /^\$argon2id\$v=19\$/)
  assert.ok(await verifyPassword(hash, PASSWORD))
  await hydra(['users', 'add', 'ada', '--password-stdin'], PASSWORD)
  const env = { HYDRA_USERS: JSON.stringify([{ username: 'root', passwordHash: hash }]) }
  const listed = await runHydra(['users'], { cwd, env })
  assert.match(listed.out, /In the configuration beside them: root\./)
  const words = ['users', 'add', 'root', '--password-stdin']
  const refused = await runPiped(words, { cwd, env, input: PASSWORD })
  assert.match(refused.err, /root stands in the configuration: change it there, in identity\.users/)
  for (const done of ['disable', 'passwd', 'roles', 'remove']) {
    const { status, err } = await runPiped(
      ['users', done, 'root', ...(done === 'passwd' ? ['--password-stdin'] : [])],
      {
        cwd,
        env,
        input: PASSWORD,
      },
    )
    assert.equal(status, 1)
    assert.match(err, /root stands in the configuration: change it there/, done)
  }
})

test('a user who stands in the configuration as well is changed with a warning: the configuration wins', async (t) => {
  const { cwd, hydra } = await shell(t)
  await hydra(['users', 'add', 'mira', '--password-stdin'], PASSWORD)
  const env = { HYDRA_USERS: '[{"username":"mira","password":"another horse"}]' }
  const warned = async (words: readonly string[], instead: string) => {
    const { status, err } = await runPiped(['users', ...words], { cwd, env, input: PASSWORD })
    assert.equal(status, 0, err)
    assert.match(err, new RegExp(`▲ mira stands in the configuration as well, which wins: ${instead}\\.\n`))
  }
  await warned(['disable', 'mira'], 'set enabled: false there')
  await warned(['enable', 'mira'], 'set enabled: true there')
  await warned(['passwd', 'mira', '--password-stdin'], 'set passwordHash there')
  await warned(['roles', 'mira'], 'the roles there count')
  await warned(['roles', 'mira', 'USER'], 'set roles there')
  await warned(['remove', 'mira'], 'take the entry out there')
})

test('the database is the one that was named, the configured one, or that of the working directory', async (t) => {
  const { cwd, hydra } = await shell(t)
  const below = join(cwd, 'below')
  await mkdir(below)
  await hydra(['users', 'add', 'ada', '--password-stdin'], PASSWORD)
  const elsewhere = await runHydra(['users'], { cwd: below })
  assert.match(elsewhere.err, /There are no users: .*below\/\.hydra\/identity\.db does not exist/)
  const configured = await runPiped(['users', 'add', 'bob', '--password-stdin'], {
    cwd: below,
    env: { HYDRA_IDENTITY_DATABASE: 'people.db' },
    input: PASSWORD,
  })
  assert.match(configured.out, /^bob is added to .*below\/people\.db\.$/m)
  const named = await runHydra(['users', '--database', 'people.db'], { cwd: below })
  assert.match(named.out, /1 user\./)
  assert.match(named.out, /bob/)
})

const hasScript = spawnSync('script', ['--version']).status === 0

/** Runs a command at a terminal of its own. `typed`: what is typed when a prompt shows. */
function atTerminal(
  cwd: string,
  command: string,
  typed: readonly (readonly [prompt: RegExp, keys: string])[],
) {
  const child = spawn('script', ['-qec', `stty cols 100; ${command}`, '/dev/null'], {
    cwd,
    env: bareEnv({ TERM: 'xterm' }),
  })
  const waiting = [...typed]
  let out = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
    const [next] = waiting
    if (!next?.[0].test(out)) return
    waiting.shift()
    child.stdin.write(next[1])
  })
  return new Promise<{ status: number | null; out: string }>((resolve) =>
    child.on('close', (status) => resolve({ status, out })),
  )
}

test('at a terminal the password is asked for twice and never shown', {
  skip: !hasScript && 'there is no script(1) here',
}, async (t) => {
  const { cwd, file } = await shell(t)
  const hydra = (words: string) => `${process.execPath} ${HYDRA} ${words}`
  const added = await atTerminal(cwd, hydra('users add ada'), [
    // a mistake rubbed out, an arrow key, and all of it once more
    [/Password for ada: $/, 'wrong\u0015correct horsf\u007fe\u001b[D\r'],
    [/The same again: $/, `${PASSWORD}\r`],
  ])
  assert.equal(added.status, 0, added.out)
  assert.doesNotMatch(added.out, /horse|wrong/)
  const store = await openSqliteIdentityStore(file)
  t.after(() => store.close())
  assert.ok(await verifyPassword((await store.users.find('ada'))!.passwordHash, PASSWORD))

  const different = await atTerminal(cwd, hydra('users passwd ada'), [
    [/Password for ada: $/, 'another horse\r'],
    [/The same again: $/, 'another house\r'],
  ])
  assert.equal(different.status, 1)
  assert.match(different.out, /The two are not the same; nothing was changed/)
  const left = await atTerminal(cwd, hydra('users passwd ada'), [[/Password for ada: $/, 'another\u0003']])
  assert.equal(left.status, 1)
  assert.match(left.out, /No password was given; nothing was changed/)
  assert.ok(await verifyPassword((await store.users.find('ada'))!.passwordHash, PASSWORD))
  assert.match((await atTerminal(cwd, hydra('users'), [])).out, /\u001b\[32m● enabled\u001b\[0m {2}ada/)
})

test('accounts that are one person are shown, and one is taken out again', async (t) => {
  const { file, hydra } = await shell(t)
  await hydra(['users', 'add', 'mira', '--password-stdin'], PASSWORD)
  const store = await openSqliteIdentityStore(file)
  t.after(() => store.close())
  const accounts = ['local:mira', 'acme:2482', 'city:77']
  await store.links.link(accounts.map((key) => ({ key, data: {} })))

  const shown = await hydra(['links', 'show', 'mira'])
  assert.equal(shown.status, 0, shown.err)
  assert.deepEqual(shown.out.trim().split('\n').sort(), [...accounts].sort())
  const removed = await hydra(['links', 'remove', 'acme:2482'])
  assert.match(removed.out, /^acme:2482 stands by itself; before it was one person with /)
  assert.deepEqual(await store.links.linked('acme:2482'), [])
  const left = (await store.links.linked('local:mira')).map(({ key }) => key)
  assert.deepEqual(left.sort(), ['city:77', 'local:mira'])
  const { fresh } = await store.revocations.since(undefined, Date.now())
  assert.deepEqual(
    fresh.map(({ kind, key }) => `${kind} ${key}`).sort(),
    accounts.map((key) => `user ${key}`).sort(),
  )

  const alone = await hydra(['links', 'show', 'acme:2482'])
  assert.equal(alone.status, 1)
  assert.match(alone.err, /acme:2482 is linked with no other account in /)
  assert.equal((await hydra(['links'])).status, 2)
})
