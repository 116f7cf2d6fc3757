import { METHODS } from 'node:http'

/** Fields that caches have been poisoned by, as the lists of scanners have them. */
const KNOWN =
  `Accept Accept-Charset Accept-CH Accept-Datetime Accept-Encoding Accept-Language Accept-Patch Accept-Ranges A-IM
Access-Control-Request-Headers Access-Control-Request-Method Age Akamai-Origin-Hop Alt-Used Api-Key Apikey Authorization Base-Url
Basic-Auth Cache-Control CF-Connecting-IP CF-IPCountry CF-Ray CF-Visitor Client-IP Clientip Cluster-Client-IP Content-Disposition
Content-Encoding Content-Language Content-Location Content-MD5 Content-Range Content-Type Cookie Cookie2 CORS-Origin DNT DPR Date
Destination Device-Memory Downlink ECT Early-Data Expect-CT Fastly-Client-IP Fastly-FF Fastly-Host Fly-Client-IP Forwarded
Forwarded-For Forwarded-For-IP Forwarded-Host Forwarded-Proto Forwarded-Server From Front-End-Https Front-End-Url HTTP2-Settings
Host-Override Idempotency-Key If-Modified-Since If-None-Match If-Range If-Unmodified-Since-Date Incap-Client-IP Keep-Alive
Last-Event-ID Last-Modified Link Location Max-Forwards NEL Origin Original-Url Path-Info Ping-From Ping-To Pragma Priority
Proxy-Authorization Proxy-Connection Proxy-Host Proxy-Url Purpose RTT Range Real-IP Redirect Referer Referrer Refferer Remote-Addr
Remote-Host Remote-User Request-Id Request-Uri Rewrite-Url SOAPAction Save-Data Script-Name Sec-CH-Prefers-Color-Scheme Sec-CH-UA
Sec-CH-UA-Arch Sec-CH-UA-Bitness Sec-CH-UA-Full-Version-List Sec-CH-UA-Mobile Sec-CH-UA-Model Sec-CH-UA-Platform
Sec-CH-UA-Platform-Version Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-User Sec-GPC Sec-Purpose Sec-WebSocket-Key
Sec-WebSocket-Version Server-Name Server-Port Service-Worker Surrogate-Capability Surrogate-Control TE Timeout Tk Trailer Traceparent
Tracestate Transfer_Encoding Translate True-Client-Host True-Client-IP UA-CPU Upgrade-Insecure-Requests Uri Url User User-Agent
User-Agent-Via Via Viewport-Width WAF-Debug Want-Digest Warning WebSocket-Origin Width X-Accel-Redirect X-Accel-Expires
X-Amz-Cf-Id X-Amz-Date X-Amz-Security-Token X-Amz-Server-Side-Encryption X-Amz-Website-Redirect-Location X-Amzn-Trace-Id X-Api-Key
X-Api-Version X-App-Name X-Appengine-Country X-Att-Deviceid X-Auth-Token X-Auth-User X-Azure-ClientIP X-Azure-Ref X-B3-TraceId
X-Backend-Host X-Backend-Server X-BlueCoat-Via X-CSRF-Token X-Cache-Key X-Cdn X-Client-Data X-Client-Host X-Client-IP X-Client-Ip
X-Cluster-Client-IP X-Coming-From X-Correlation-Id X-Country-Code X-Custom-IP-Authorization X-DNS-Prefetch-Control X-Debug X-Debug-Token
X-Device X-Do-Not-Track X-Dns X-Envoy-External-Address X-Envoy-Original-Path X-Forward-For X-Forward-Proto X-Forwarded X-Forwarded-By
X-Forwarded-For X-Forwarded-For-Original X-Forwarded-Host X-Forwarded-Path X-Forwarded-Port X-Forwarded-Prefix X-Forwarded-Proto
X-Forwarded-Protocol X-Forwarded-Scheme X-Forwarded-Server X-Forwarded-Ssl X-Forwarded-Uri X-Forwarded-User X-Forwarder-For
X-From X-Geo-Country X-HTTP-DestinationURL X-HTTP-Host-Override X-HTTP-Method X-HTTP-Method-Override X-HTTP-Path-Override
X-Host X-Host-Override X-Http-Status-Code-Override X-Invoke-Path X-Invoke-Query X-Invoke-Status X-Locale X-Log X-Method-Override
X-Middleware-Prefetch X-Middleware-Subrequest X-Nextjs-Data X-Now-Route-Matches X-Oracle-DMS-ECID X-Original-Forwarded-For
X-Original-Host X-Original-Method X-Original-Remote-Addr X-Original-URL X-Originally-Forwarded-For X-Originating-IP X-Override-URL
X-PJAX X-Pjax-Container X-Pjax-Url X-Protocol X-ProxyUser-Ip X-Proxy-Host X-Proxy-Url X-Query X-Real-IP X-Ref X-Referer
X-Remote-Addr X-Remote-IP X-Request-Id X-Request-Start X-Requested-With X-Resource X-Rewrite-Url X-Robots-Tag X-Runtime X-Scheme
X-Server X-Site X-Skip-Cache X-Subdomain X-Template X-Tenant X-Theme X-Token X-True-IP X-UIDH X-Url-Scheme X-User-Agent X-User-Id
X-Varnish X-Vercel-Id X-Version X-Wap-Profile X-Wp-Nonce X-XSRF-Token X_Forwarded_Host X_Forwarded_For X_Original_Url X_Real_IP
Client_IP Content_Length Forwarded_Host Http_Host Https Http_X_Forwarded_Host Proxy Remote_Addr Request_Method _Method`
    .split(/\s+/)
    .filter(name => name !== '')

const HEADS = [
  'X',
  'X-Forwarded',
  'X-Original',
  'X-Proxy',
  'X-Rewrite',
  'X-Backend',
  'X-Client',
  'X-Custom',
  'Http',
  'Cdn',
  'Edge',
  'App',
]
const TAILS = [
  ...METHODS.slice(0, 12).map(method => method.toLowerCase()),
  ...'host path url uri query scheme proto protocol port prefix ip addr address user token key id name lang locale country region city device'.split(
    ' ',
  ),
  ...'theme template debug mode version format callback redirect next return origin referrer cookie session tenant account role group site app'.split(
    ' ',
  ),
  ...'cache vary purge ttl age tag etag hash sign nonce csrf trace span sample flag feature test experiment variant preview draft stage env'.split(
    ' ',
  ),
]

/** More than a thousand field names. Left out is what frames a message or its connection: those attacks are tests of their own. */
export const FIELD_NAMES: readonly string[] = [
  ...new Set([...KNOWN, ...HEADS.flatMap(first => TAILS.map(last => `${first}-${last}`))]),
]
