import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { redactText, redactValue } from '../../src/server/audit/redact.js'
import { admin, TOKEN } from './rig/audited-admin.js'

describe('nothing gets into a line that is not a piece of a text in it', () => {
  const forged = '{"phase":"result","who":"admin","action":"forged"}'

  test.each([
    ['a line end', `/x\n${forged}\n`],
    ['another line end', `/x\r\n${forged}`],
    ['a Unicode line end', `/x\u2028${forged}\u2029`],
    ['the end of a text', `/x","who":"somebody else","y":"`],
    ['a terminal escape', '/x\u001b[2J\u001b]0;title\u0007'],
    ['C1 controls', '/x\u0085\u009b2J'],
    ['marks that turn text around', '/x\u202egnp.live\u2066'],
    ['no characters at all', '/x\u200b\ufeff\u0000'],
    ['half a pair', '/x\ud800'],
  ])('%s', async (_, text) => {
    const { api, lines } = await admin()
    await api('post', '/invalidate').send({ prefix: text, host: text })
    await api('post', `/invalidate/pattern/${encodeURIComponent(text.replace('\ud800', ''))}`)
    expect(lines.length).toBeGreaterThanOrEqual(4)
    for (const line of lines) {
      // eslint-disable-next-line no-control-regex -- these are what is looked for
      expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2060-\u2069\u200b-\u200f\ufeff]/)
      expect(JSON.parse(line)).toMatchObject({ who: 'token' })
      expect(Buffer.from(line).toString()).toBe(line)
    }
  })

  test('any text at all (200 runs)', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), text => {
        const line = JSON.stringify({ target: redactValue({ [text]: [text] }) })
        // eslint-disable-next-line no-control-regex -- these are what is looked for
        expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028-\u202e]/)
        expect(line.length).toBeLessThan(16_384)
        JSON.parse(line)
      }),
      { numRuns: 200 },
    )
  })

  test('header fields: an X-Request-Id is taken only when it is one', async () => {
    const { api, events } = await admin()
    for (const id of ['x'.repeat(200), 'a b', '{"a":1}', 'a\u00e9'])
      await api('post', '/invalidate')
        .set('x-request-id', id)
        .send({ tags: ['t'] })
    for (const { request: id } of events()) expect(id).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('a hundred thousand tags are a bounded line', async () => {
    const { api, lines } = await admin()
    const tags = Array.from({ length: 9000 }, (_, i) => `t${i}`)
    await api('post', '/invalidate').send({ tags: tags.slice(0, 400) })
    await api('post', '/invalidate').send({ tags: ['x'.repeat(60_000)] })
    for (const line of lines) expect(line.length).toBeLessThan(10_000)
    expect(lines[0]).toContain('… 380 more')
  })
})

describe('secrets', () => {
  test.each([
    ['https://user:hunter2@host/x', 'https://[redacted]@host/x'],
    ['/x?access_token=hunter2&y=1', '/x?access_token=[redacted]&y=1'],
    ['/x?X-Amz-Signature=hunter2', '/x?X-Amz-Signature=[redacted]'],
    ['/x?%74oken=hunter2', '/x?%74oken=[redacted]'],
    ['Bearer hunter2', 'Bearer [redacted]'],
    [`strata_0123456789abcdef_${'hunter2'.repeat(6)}x`, '[redacted]'],
    [`eyJhbGciOiJub25lIn0.eyJodW50ZXIyIjoxfQ.hunter2`, '[redacted]'],
    ['/plain?page=2', '/plain?page=2'],
  ])('%s', (text, shown) => expect(redactText(text)).toBe(shown))

  test('by the names of fields', () => {
    expect(redactValue({ token: 'a', nested: { apiKey: 'b', password: 1 }, name: 'c' })).toEqual({
      token: '[redacted]',
      nested: { apiKey: '[redacted]', password: '[redacted]' },
      name: 'c',
    })
  })

  test('none in a request gets into a line', async () => {
    const { api, lines } = await admin()
    const canary = 'CANARY-5e1f'
    await api('post', '/invalidate').send({ urls: [`https://u:${canary}@host/x?token=${canary}`] })
    await api('post', `/invalidate?access_token=${canary}`).send({ tags: ['t'], password: canary })
    await api('delete', `/keys/none?api_key=${canary}`)
    expect(lines.length).toBeGreaterThan(3)
    expect(lines.join('\n')).not.toContain(canary)
    expect(lines.join('\n')).not.toContain(TOKEN)
  })
})
