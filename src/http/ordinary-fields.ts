/**
 * Request fields that browsers and well-known clients send with every request, in the few forms in which they send them. Such a field
 * may go to the origin without being part of the key: it holds nothing of its sender's own making, so no answer can repeat it to others.
 * Any other value of it (`User-Agent: <script>`), and any other field, is an input of the one who sent it.
 */
const ORDINARY: Readonly<Record<string, (value: string) => boolean>> = {
  accept: everyItem(
    /^(?:\*|text|image|audio|video|font|application)\/(?:\*|html|plain|css|csv|xml|xhtml\+xml|json|geo\+json|ld\+json|javascript|x-javascript|pdf|webp|avif|apng|png|gif|jpeg|jxl|svg\+xml|tiff|mp4|webm|ogg|mpeg|wav|woff2?|octet-stream|signed-exchange|event-stream|x-protobuf|vnd\.mapbox-vector-tile)(?: ?; ?(?:q=[01](?:\.\d{1,3})?|v=b3))*$/i,
    20,
  ),
  'accept-charset': everyItem(/^(?:\*|utf-8|iso-8859-1|us-ascii)(?: ?; ?q=[01](?:\.\d{1,3})?)?$/i, 5),
  'accept-encoding': everyItem(
    /^(?:\*|identity|(?:x-)?gzip|(?:x-)?compress|deflate|br|zstd|dcb|dcz)(?: ?; ?q=[01](?:\.\d{1,3})?)?$/i,
    12,
  ),
  'accept-language': everyItem(
    /^(?:\*|[a-z]{2,3}(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?)(?: ?; ?q=[01](?:\.\d{1,3})?)?$/i,
    20,
  ),
  'cache-control': everyItem(
    /^(?:no-cache|no-store|no-transform|only-if-cached|max-stale|(?:max-age|max-stale|min-fresh|stale-if-error)=\d{1,10})$/i,
    8,
  ),
  'content-length': oneOf('0'),
  dnt: oneOf('0', '1'),
  pragma: oneOf('no-cache'),
  priority: form(/^(?:u=[0-7](?:, ?i)?|i)$/),
  purpose: oneOf('prefetch'),
  range: form(/^bytes=[\d, -]{1,256}$/),
  'save-data': oneOf('on'),
  'sec-ch-ua': everyItem(
    /^"(?:Chromium|Google Chrome|HeadlessChrome|Microsoft Edge|Microsoft Edge WebView2|Android WebView|Brave|Opera|OperaMobile|Vivaldi|Samsung Internet|YaBrowser|Yandex|[ ()]?Not[ ():;./_?=-]A[ ():;./_?=-]Brand)";v="\d{1,4}(?:\.\d{1,5}){0,3}"$/,
    6,
  ),
  'sec-ch-ua-mobile': oneOf('?0', '?1'),
  'sec-ch-ua-platform': form(/^"(?:Windows|macOS|Linux|Android|iOS|Chrome OS|Chromium OS|Fuchsia|Unknown)"$/),
  'sec-fetch-dest': form(
    /^(?:audio|audioworklet|document|embed|empty|font|frame|iframe|image|json|manifest|object|paintworklet|report|script|serviceworker|sharedworker|style|track|video|webidentity|worker|xslt)$/,
  ),
  'sec-fetch-mode': oneOf('cors', 'navigate', 'no-cors', 'same-origin', 'websocket'),
  'sec-fetch-site': oneOf('cross-site', 'none', 'same-origin', 'same-site'),
  'sec-fetch-storage-access': oneOf('none', 'inactive', 'active'),
  'sec-fetch-user': oneOf('?1'),
  'sec-gpc': oneOf('1'),
  'sec-purpose': form(/^prefetch(?:;prerender)?(?:;anonymous-client-ip)?$/),
  'upgrade-insecure-requests': oneOf('1'),
  'user-agent': isOrdinaryAgent,
}

/** @param name in lower case */
export function isOrdinary(name: string, value: string): boolean {
  return Object.hasOwn(ORDINARY, name) && ORDINARY[name]!(value)
}

const LONGEST = 1024

function everyItem(item: RegExp, most: number): (value: string) => boolean {
  return value => {
    if (value.length > LONGEST) return false
    const items = value.split(',', most + 1)
    return items.length <= most && items.every(text => item.test(text.trim()))
  }
}

function form(pattern: RegExp): (value: string) => boolean {
  return value => value.length <= LONGEST && pattern.test(value)
}

function oneOf(...values: string[]): (value: string) => boolean {
  return value => values.includes(value)
}

const BROWSER =
  /^Mozilla\/5\.0 \(([^()]{1,160})\)((?: [A-Za-z]+\/[\d.]{1,20}| \(KHTML, like Gecko\)| Mobile(?:\/\w{1,8})?){0,10})$/
const PLATFORM =
  /^(?:Macintosh|X11|Wayland|Windows NT [\d.]{1,5}|Win64|x64|WOW64|Linux(?: (?:x86_64|i686|aarch64|armv[78]l))?|Android(?: [\d.]{1,8})?|CrOS (?:x86_64|aarch64|armv7l) [\d.]{1,16}|iPhone|iPad|iPod|CPU (?:iPhone )?OS [\d_]{1,10} like Mac OS X|Intel Mac OS X [\d._]{1,10}|K|Mobile|Tablet|Ubuntu|Fedora|U|arm_64|rv:[\d.]{1,10})$/
const PRODUCTS = new Set(
  'AppleWebKit Gecko Chrome HeadlessChrome Chromium Safari Firefox Version Edg EdgA EdgiOS OPR CriOS FxiOS SamsungBrowser Vivaldi YaBrowser DuckDuckGo'.split(
    ' ',
  ),
)
const TOOL =
  /^(?:curl|Wget|node|undici|node-fetch|axios|got|python-requests|python-httpx|Python-urllib|Go-http-client|okhttp|Java|Java-http-client|Apache-HttpClient|PostmanRuntime|k6|autocannon|GDAL|QGIS|MapLibre|Deno|Bun)(?:\/[\d.]{1,20})?$/

function isOrdinaryAgent(value: string): boolean {
  if (value.length > 320) return false
  if (TOOL.test(value)) return true
  const [, platform, products] = BROWSER.exec(value) ?? []
  if (platform === undefined) return false
  const named = products!.match(/[A-Za-z]+(?=\/[\d.]+)/g) ?? []
  return (
    platform.split('; ').every(part => PLATFORM.test(part)) &&
    named.every(name => PRODUCTS.has(name) || name === 'Mobile')
  )
}
