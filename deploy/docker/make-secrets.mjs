// Makes what compose.yaml has to keep secret, once, in the working directory: keys of the gateway, the password of
// Redis, and two people who may sign in to the shop. What is there already stays. There is no secret in this
// repository that somebody could take along by mistake.
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { hashPassword } from '@hydra-gateway/gateway/identity'

const secret = (bytes) => randomBytes(bytes).toString('base64url')

// Redis runs as another user, so that they have to be readable for it; nobody but these containers has the volume.
chmodSync('.', 0o755)
const keep = (name, text) => writeFileSync(name, `${text}\n`, { mode: 0o444, flag: 'wx' })

// Written last: with it everything is there.
if (existsSync('users.json')) {
  console.log('The secrets are there.')
} else {
  const password = secret(24)
  keep('public-key', secret(18))
  keep('private-key', secret(32))
  keep('redis-password', password)
  keep('redis-url', `redis://:${password}@redis:6379`)
  const people = [
    { username: 'mira', roles: ['CUSTOMER'], password: secret(9) },
    { username: 'ada', roles: ['CUSTOMER', 'STAFF'], password: secret(9) },
  ]
  const users = people.map(async ({ username, roles, password: word }) => ({
    username,
    roles,
    passwordHash: await hashPassword(word),
  }))
  keep('users.json', JSON.stringify(await Promise.all(users)))
  for (const { username, password: word } of people)
    console.log(`Sign in to the shop as ${username}: ${word}`)
}
