// @ts-check
import { runClient } from './run-client.mjs'
import { startProxy } from './proxy.mjs'
import { reportLines } from './report.mjs'
import { score, withDependencies } from './score.mjs'
import { startTap } from './tap.mjs'

/**
 * Runs one test and shows every byte between client and proxy (`client`) and between proxy and origin (`origin`), and
 * the proxy's log. What it depends on runs first, unseen.
 *
 * @param {object} plan
 * @param {import('./suite.mjs').Suite} plan.suite
 * @param {string} plan.id
 * @param {number} plan.originPort
 * @param {Omit<import('./proxy.mjs').ProxyPlan, 'origin' | 'onLine'>} plan.proxy
 * @returns {Promise<boolean>} whether it passed
 */
export async function traceTest({ suite, id, originPort, proxy: plan }) {
  const { groups } = suite
  const ids = withDependencies(groups, id)
  const test = groups.flatMap(group => group.tests).find(one => one.id === id)
  const needed = ids.slice(0, -1)
  let showing = false
  /** @param {string} text */
  const show = text => {
    if (showing) console.log(text)
  }
  const originTap = await startTap('origin', () => originPort, show)
  const proxy = await startProxy({
    ...plan,
    origin: `http://127.0.0.1:${originTap.port}`,
    onLine: line => show(`strata | ${line}\n`),
  })
  const clientTap = await startTap('client', () => Number(new URL(proxy.base).port), show)
  try {
    const before = needed.length === 0 ? {} : await runClient(suite, proxy.base, needed)
    console.log(`=== ${id}: ${test?.name}\n`)
    for (const step of /** @type {{ requests: object[] }} */ (/** @type {unknown} */ (test)).requests) {
      console.log(`    ${JSON.stringify(step)}`)
    }
    console.log('')
    showing = true
    const own = await runClient(suite, `http://127.0.0.1:${clientTap.port}`, [id])
    showing = false
    const chosen = groups.map(group => ({ ...group, tests: group.tests.filter(one => ids.includes(one.id)) }))
    const scored = score(chosen, { ...before, ...own }, suite.kinds)
    const result = scored.tests.find(one => one.id === id)
    for (const line of reportLines({ label: suite.label, store: plan.store, scored })) console.log(line)
    console.log(
      `\n${id}: ${result?.outcome ?? 'no longer counted'} ${result?.reason ?? JSON.stringify(own[id])}`,
    )
    return result === undefined || result.outcome === 'pass'
  } finally {
    await clientTap.stop()
    await proxy.stop()
    await originTap.stop()
  }
}
