/**
 * Varnish with Edge Side Includes: it keeps nothing (`pass`), and asks for one fragment after the other. Its threads
 * are as many as it wants; its log is written by `varnishncsa`, whose cost counts.
 *
 * @module
 */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, type Running } from '../../support/place.ts'
import { runProgram, startProgram } from '../../support/program.ts'
import { PARTS } from '../page.ts'
import type { PagePlace } from '../stage.ts'

export async function startVarnishEsi(place: PagePlace): Promise<Running> {
  const { folder, logFile } = place
  const port = await freePort()
  const file = join(folder, 'pages.vcl')
  const work = join(folder, 'varnish')
  writeFileSync(file, configuration(place))
  const parameters = ['http_gzip_support=off', 'thread_pools=1', 'feature=+esi_disable_xml_check']
  const varnish = await startProgram(
    'varnishd',
    [
      ...['-F', '-j', 'none', '-n', work, '-f', file, '-a', `127.0.0.1:${port}`, '-s', 'malloc,64m'],
      ...parameters.flatMap((each) => ['-p', each]),
    ],
    port,
    place,
    // Only so it ends its child, too.
    { endsBy: 'SIGTERM' },
  )
  try {
    const log = await runProgram(
      'varnishncsa',
      ['-n', work, '-w', logFile],
      () => existsSync(logFile),
      place,
      { endsBy: 'SIGTERM' },
    )
    return {
      port,
      pids: [...varnish.pids, log.pid],
      async end() {
        await log.end()
        await varnish.end()
      },
    }
  } catch (error) {
    await varnish.end()
    throw error
  }
}

function configuration({ pagePort, partPorts }: PagePlace): string {
  const backend = (name: string, port: number) =>
    `backend ${name} { .host = "127.0.0.1"; .port = "${port}"; }`
  return `
vcl 4.1;
${backend('page', pagePort)}
${PARTS.map((part) => backend(`part${part}`, partPorts[part - 1]!)).join('\n')}
sub vcl_recv {
  set req.backend_hint = page;
  ${PARTS.map((part) => `if (req.url ~ "^/f${part}") { set req.backend_hint = part${part}; }`).join('\n  ')}
  return (pass);
}
sub vcl_backend_response {
  if (bereq.backend == page) { set beresp.do_esi = true; }
}
`
}
