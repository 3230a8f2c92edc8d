/**
 * The calls of the admin API that are about identity, below `/_hydra/api/v1`. Whoever mounts them has made sure that an
 * operator calls.
 *
 * @module
 */
import { Hono } from 'hono'
import type { IdentityAdmin } from '../admin/identity.ts'
import { readJson } from '../channels/json-body.ts'
import { HydraError } from '../errors.ts'

/** A password, some roles and 4 KB of facts fit, however they are escaped. */
const BODY = { maxBytes: 256 * 1024, timeoutMs: 10_000 }
const body = (request: Request) => readJson(request, BODY, 'HYDRA_BAD_REQUEST')

/** `admin` is undefined where nobody can sign in. */
export function createIdentityApi(admin: IdentityAdmin | undefined) {
  const api = (): IdentityAdmin => {
    if (admin) return admin
    throw new HydraError(
      'HYDRA_CONFLICT',
      'nobody can sign in here: hydra users add NAME makes a user, identity.providers names a provider; then start the gateway again',
    )
  }
  return new Hono()
    .get('/sessions', (c) => c.json(api().sessions(new URL(c.req.url).searchParams)))
    .delete('/sessions/:sid', async (c) => c.json(await api().endSession(c.req.param('sid'))))
    .get('/revocations', (c) => c.json(api().revocations()))
    .post('/revocations', async (c) => c.json(await api().revoke(await body(c.req.raw))))
    .get('/keys', (c) => c.json(api().keys()))
    .post('/keys/rotate', async (c) => c.json(await api().rotateKeys()))
    .get('/users', async (c) => c.json(await api().users()))
    .post('/users', async (c) => c.json(await api().addUser(await body(c.req.raw))))
    .patch('/users/:name', async (c) =>
      c.json(await api().changeUser(c.req.param('name'), await body(c.req.raw))),
    )
    .delete('/users/:name', async (c) => c.json(await api().removeUser(c.req.param('name'))))
}
