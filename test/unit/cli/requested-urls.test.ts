import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { requestedUrls, urlOf } from '../../../src/cli/warm/requested-urls.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strata-log-'))
})
afterAll(() => rm(folder, { recursive: true }))

test.each([
  [
    '{"level":30,"req":{"id":"a","method":"GET","url":"/t/1.png?x=1"},"res":{"statusCode":200}}',
    '/t/1.png?x=1',
  ],
  ['{"req":{"method":"POST","url":"/a"},"res":{"statusCode":200}}', undefined],
  ['{"req":{"method":"GET","url":"/a"},"res":{"statusCode":404}}', undefined],
  ['{"msg":"listening"}', undefined],
  ['{"req":{"method":"GET","ur', undefined],
  ['10.0.0.1 - - [20/Nov/2026:10:00:00 +0000] "GET /t/2.png HTTP/1.1" 200 512', '/t/2.png'],
  [
    'h - me [20/Nov/2026:10:00:00 +0000] "GET /t/3.png HTTP/2.0" 304 0 "http://r/" "Mozilla/5.0 (X)"',
    '/t/3.png',
  ],
  ['10.0.0.1 - - [x] "GET /t/2.png HTTP/1.1" 500 512', undefined],
  ['10.0.0.1 - - [x] "GET /t/\u00e9.png HTTP/1.1" 200 512', undefined],
  ['', undefined],
])('%s', (line, url) => {
  expect(urlOf(line)).toBe(url)
})

test('the most requested first, and no more than wanted', async () => {
  const file = join(folder, 'access.log')
  const line = (url: string) => `h - - [x] "GET ${url} HTTP/1.1" 200 1\n`
  await writeFile(file, ['/a', '/b', '/c', '/b', '/c', '/c', '/d'].map(line).join(''))
  expect(await requestedUrls(file, 2)).toEqual(['/c', '/b'])
  await expect(requestedUrls(join(folder, 'none'), 2)).rejects.toThrow(/ENOENT/)
})
