import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { listStatics } from './statics.ts'

test('a folder offers its files by name, without what is hidden or linked', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'hydra-statics-'))
  t.after(() => rm(root, { recursive: true }))
  await mkdir(join(root, 'css'))
  await mkdir(join(root, '.git'))
  for (const name of ['logo.svg', 'css/site.css', 'css/a b.css', '.env', '.git/config'])
    await writeFile(join(root, name), '')
  await symlink('/etc', join(root, 'etc'))
  assert.deepEqual(await listStatics(root), ['css/a b.css', 'css/site.css', 'logo.svg'])
})

test('names given by hand are relative to the static folder', async () => {
  assert.deepEqual(await listStatics(['/logo.svg', 'css/site.css', '/']), ['logo.svg', 'css/site.css'])
  assert.deepEqual(await listStatics(undefined), [])
})

test('a folder that does not exist is named in full, since it depends on the working directory', async () => {
  await assert.rejects(listStatics('no/such/folder'), ({ message }: Error) =>
    message.startsWith(`the folder ${resolve('no/such/folder')} (statics) can't be read: ENOENT`),
  )
})
