import { parseDocument } from 'yaml'

/**
 * `text` with new contents between `<!-- name: … -->` and `<!-- /name -->`.
 * @param {string} text
 * @param {Readonly<Record<string, string>>} sections by name
 * @returns {string}
 * @throws Error when a section's marks are not there
 */
export function withSections(text, sections) {
  return Object.entries(sections).reduce((now, [name, content]) => {
    const marks = new RegExp(`(<!-- ${name}: [^\\n]*-->\\n)[^]*?(<!-- /${name} -->)`)
    if (!marks.test(now)) throw new Error(`there is no section "${name}"`)
    return now.replace(marks, (_, begin, end) => `${begin}${content}${end}`)
  }, text)
}

/**
 * The settings of a profile as a table: each with its value, and the comment above it as its reason.
 * @param {string} yaml
 * @returns {string}
 */
export function profileTable(yaml) {
  const rows = parseDocument(yaml).contents.items.flatMap(section =>
    section.value.items.map((pair, i) => {
      // The comment above the first of a section hangs on the section.
      const comment = pair.key.commentBefore ?? (i === 0 ? section.value.commentBefore : undefined) ?? ''
      const reason = comment
        .split('\n')
        .map(line => line.trim())
        .join(' ')
      return `| \`${section.key}.${pair.key}\` | \`${pair.value}\` | ${reason.replaceAll('|', '\\|')} |\n`
    }),
  )
  return `| setting | value | reason |\n| --- | --- | --- |\n${rows.join('')}`
}
