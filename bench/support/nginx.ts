/**
 * nginx: one process, connections to the services kept, access log buffered, forwarded headers as ours. Buffers
 * and limits as they come, except that it streams uploads as everybody else here does.
 *
 * @module
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, type Place, type Running } from './place.ts'
import { startProgram } from './program.ts'

export interface NginxOptions {
  /** Ports of the services behind it, by name. */
  readonly services: Readonly<Record<string, number>>
  /** Directives of the server, its locations among them. */
  readonly server: string
  /** Words behind the address it listens at. */
  readonly listen?: string
}

export async function startNginx(place: Place, options: NginxOptions): Promise<Running> {
  const port = await freePort()
  const file = join(place.folder, 'nginx.conf')
  writeFileSync(file, configuration(port, place, options))
  return startProgram('nginx', ['-c', file, '-p', place.folder], port, place)
}

function configuration(
  port: number,
  { folder, logFile }: Place,
  { services, server, listen = '' }: NginxOptions,
): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ')
  const upstreams = Object.entries(services).map(
    ([name, at]) =>
      `upstream ${name} { server 127.0.0.1:${at}; keepalive 256; keepalive_requests 1000000000; }`,
  )
  return `
# One process that both serves and is ended: no worker can be left behind.
daemon off; master_process off; worker_processes 1;
pid ${folder}/pid; error_log stderr;
events { worker_connections 4096; }
http {
  ${temporary}
  log_format line '$time_iso8601 $remote_addr "$request" $status $body_bytes_sent $request_time $upstream_response_time';
  access_log ${logFile} line buffer=64k flush=1s;
  map $http_upgrade $onwards { default upgrade; '' ''; }
  ${upstreams.join('\n  ')}
  server {
    listen 127.0.0.1:${port} ${listen} backlog=4096;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    proxy_request_buffering off;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $onwards;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Host $http_host;
    proxy_set_header X-Forwarded-Port $server_port;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Real-IP $remote_addr;
    ${server}
  }
}
`
}
