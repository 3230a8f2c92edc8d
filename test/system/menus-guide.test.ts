/**
 * The parts of docs/guides/menus.md that need no SDK, as they stand there: a folder of HTML files, and a program in
 * Python.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { startGateway } from '../support/gateway.ts'
import { emptyDirectory } from '../support/hydra.ts'
import { startProcess } from '../support/process.ts'
import { findProgram } from '../support/programs.ts'

const guide = await readFile(fileURLToPath(new URL('../../docs/guides/menus.md', import.meta.url)), 'utf8')
const python = await findProgram('python3')
const skip = python === undefined && 'there is no python3 here'

/** The code block of the guide that is called so. */
function example(file: string): string {
  const blocks = [...guide.matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm)]
  const [, , code] = blocks.find(([, name]) => name === file) ?? []
  assert.ok(code, `the guide has no ${file}`)
  return code
}

/** Writes examples into a folder of their own, and runs Python there until a port answers. */
async function runPython(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  args: readonly string[],
  url: string,
): Promise<void> {
  const cwd = await emptyDirectory(t)
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(cwd, file)), { recursive: true })
    await writeFile(join(cwd, file), text)
  }
  startProcess(t, { command: python as string, args, cwd })
  await eventually(async () => assert.equal((await fetch(url)).status, 200), 10_000)
}

const ORDERS = { endpoint: '/orders', label: 'Orders', order: 2 }

test('a folder of HTML files has the menu, and links that follow', { skip }, async (t) => {
  const port = await freePort()
  await runPython(
    t,
    { 'site/garden/index.html': example('site/garden/index.html') },
    ['-m', 'http.server', String(port), '--bind', '127.0.0.1', '--directory', 'site'],
    `http://127.0.0.1:${port}/garden/`,
  )
  const { services } = parse(example('hydra.config.yaml')) as { services: Record<string, { url: string }> }
  const { garden } = services as { garden: { url: string } }
  assert.equal(new URL(garden.url).hostname, '127.0.0.1')
  const gateway = await startGateway(t, {
    services: { garden: { ...garden, url: `http://127.0.0.1:${port}` } },
  } as never)
  const page = async () => (await fetch(`${gateway.url}/garden/`)).text()

  const alone = await eventually(async () => {
    const html = await page()
    assert.match(
      html,
      /<nav aria-label="Site"><hydra-menu name="main"><ul><li data-state="available"><a data-hydra-link="\/garden\/" href="\/garden\/" aria-current="page">Garden<\/a><\/li><\/ul><\/hydra-menu><\/nav>/,
    )
    return html
  })
  assert.match(
    alone,
    /<p><a data-hydra-link="\/orders" href="\/orders">Your orders<\/a>/,
    'nobody has it yet',
  )

  // Somebody brings orders, and does not say again that they are there.
  const bean = { name: 'orders', title: 'Orders', host: '127.0.0.1', port, endpoints: ['/orders'] }
  const answer = await fetch(`${gateway.discovery}/registration`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...bean, menuItems: { main: [ORDERS] } }),
  })
  assert.equal(answer.status, 200)
  await eventually(async () => {
    const grown = await page()
    assert.match(
      grown,
      /Garden<\/a><\/li><li data-state="available"><a data-hydra-link="\/orders" href="\/orders">Orders</,
    )
    assert.match(grown, /<p><a data-hydra-link="\/orders" href="\/orders">Your orders<\/a>/)
  })
  await eventually(async () => {
    const down =
      /<p><a data-hydra-link="\/orders" role="link" aria-disabled="true" tabindex="0" title="Orders is away for a moment">Your orders<\/a>/
    assert.match(await page(), down)
  }, 10_000)
  const script = await fetch(gateway.url + (/<script src="([^"]+)"/.exec(alone)?.[1] ?? '/none'))
  assert.deepEqual(
    [script.status, script.headers.get('content-type')],
    [200, 'text/javascript; charset=utf-8'],
  )
  const sheet = await fetch(
    gateway.url + (/<link rel="stylesheet" href="([^"]+)"/.exec(alone)?.[1] ?? '/none'),
  )
  assert.deepEqual([sheet.status, sheet.headers.get('content-type')], [200, 'text/css; charset=utf-8'])
})

test('a program in Python has the menu', { skip }, async (t) => {
  const port = await freePort()
  const program = example('cellar.py')
  assert.ok(program.includes('("127.0.0.1", 9003)'))
  await runPython(
    t,
    { 'cellar.py': program.replace('9003', String(port)) },
    ['cellar.py'],
    `http://127.0.0.1:${port}/cellar`,
  )
  const gateway = await startGateway(t)
  const bean = JSON.parse(example('registration.json'))
  assert.equal(bean.port, 9003)
  const answer = await fetch(`${gateway.discovery}/registration`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...bean, port }),
  })
  assert.equal(answer.status, 200)
  const menu =
    '<hydra-menu name="main"><ul><li data-state="available"><a data-hydra-link="/cellar" href="/cellar" aria-current="page">Cellar</a></li></ul></hydra-menu>'
  await eventually(async () => {
    const page = await (await fetch(`${gateway.url}/cellar`)).text()
    assert.ok(page.includes(`<nav aria-label="Site">${menu}</nav>`), page)
    assert.match(page, /<p><a data-hydra-link="\/orders" href="\/orders">Order more<\/a><\/p>/)
  })
  // The same for pages that are made elsewhere.
  const fragment = await fetch(`${gateway.url}/_hydra/menus/main`, { headers: { accept: 'text/html' } })
  assert.equal((await fragment.text()).trim(), menu.replace(' aria-current="page"', ''))
})
