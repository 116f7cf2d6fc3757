import { writeFileSync } from 'node:fs'
import { freePort, isInstalled } from '../harness/processes.mjs'

/**
 * nginx with `proxy_cache` in front of an origin, one worker, on the server's core.
 * @param {import('../harness/context.mjs').Context} ctx @param {{ port: number }} origin
 * @returns undefined where it is not installed
 */
export async function startNginx(ctx, origin) {
  if (!isInstalled('nginx')) return undefined
  const port = await freePort()
  const folder = ctx.path('nginx', { folder: true })
  const conf = ctx.path('nginx.conf')
  writeFileSync(conf, nginxConf(port, origin.port, folder))
  return ctx.program('server', 'nginx', ['-c', conf, '-p', folder, '-e', 'stderr'], port)
}

function nginxConf(port, originPort, folder) {
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  return `${user}
daemon off;
worker_processes 1;
pid ${folder}/pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  open_file_cache max=1000 inactive=60s;
  proxy_cache_path ${folder}/cache levels=1:2 keys_zone=z:10m max_size=256m inactive=1d use_temp_path=off;
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://127.0.0.1:${originPort};
      proxy_cache z;
      add_header X-Cache $upstream_cache_status;
    }
  }
}
`
}
