import ts from 'typescript'

/** Operators and what stands in for each. */
const BINARY = {
  '===': ['!=='],
  '!==': ['==='],
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '&&': ['||'],
  '||': ['&&'],
  '+=': ['-='],
  '-=': ['+='],
}
const METHODS = new Map([
  ['max', 'min'],
  ['min', 'max'],
  ['some', 'every'],
  ['every', 'some'],
  ['startsWith', 'endsWith'],
  ['floor', 'ceil'],
  ['ceil', 'floor'],
])
/** Calls without which the text or the list stays as it is. */
const DROPPED = new Set(['toLowerCase', 'trim', 'trimStart', 'trimEnd', 'filter', 'sort', 'round'])

/**
 * All mutants of one source at once ("mutant schemata"): each place becomes a choice made at run time by `$m(id)`.
 * @returns the source with the choices in it, and the list of mutants.
 */
export function mutate(fileName, text, firstId) {
  const source = ts.createSourceFile(fileName, text, ts.ScriptTarget.Latest, true)
  const mutants = []

  const add = (node, to) => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart())
    const id = firstId + mutants.length
    mutants.push({ id, file: fileName, line: line + 1, from: node.getText(), to, isStatic: isStatic(node) })
    return id
  }

  /** Text of a node with the choices of all below it. */
  const render = node => {
    const inner = renderChildren(node)
    if (!ts.isExpression(node) || isFixed(node)) return inner
    const choices = replacementsOf(node).map(to => `$m(${add(node, to)})?(${to}):`)
    if (choices.length === 0) return inner
    // A statement that began with a bracket would run on from the line before it.
    return `${ts.isExpressionStatement(node.parent) ? 'void ' : ''}(${choices.join('')}(${inner}))`
  }

  const renderChildren = node => {
    let out = ''
    let at = node.getStart()
    node.forEachChild(child => {
      const start = child.getStart()
      out += text.slice(at, start)
      out += skips(node, child) ? text.slice(start, child.end) : render(child)
      at = child.end
    })
    return out + text.slice(at, node.end)
  }

  return { text: text.slice(0, source.getStart()) + render(source), mutants }
}

function skips(parent, child) {
  if (ts.isTypeNode(child) || ts.isImportDeclaration(child) || ts.isExportDeclaration(child)) return true
  if (ts.isInterfaceDeclaration(child) || ts.isTypeAliasDeclaration(child)) return true
  if (ts.isPropertyAssignment(parent) && child === parent.name) return true
  if (ts.isPropertyAccessExpression(parent) && child === parent.name) return true
  if (ts.isCaseClause(parent) && child === parent.expression) return true
  return ts.isVariableDeclaration(parent) && child === parent.name && ts.isIdentifier(child)
}

/** Expressions whose place takes no choice. */
function isFixed(node) {
  const { parent } = node
  if (ts.isExpressionWithTypeArguments(node)) return true
  if (ts.isPostfixUnaryExpression(node) || ts.isFunctionExpression(node)) return true
  // Brackets would end the chain: what follows `?.` is left out together with it.
  if (ts.isOptionalChain(node) && parent.expression === node) return true
  return ts.isTemplateSpan(node) || ts.isBindingElement(parent)
}

function replacementsOf(node) {
  const { parent } = node
  const list = []
  if (ts.isIfStatement(parent) && parent.expression === node) list.push('true', 'false')
  if (ts.isConditionalExpression(parent) && parent.condition === node) list.push('true', 'false')
  if ((ts.isForStatement(parent) || ts.isWhileStatement(parent)) && isCondition(parent, node))
    list.push('false')
  if (ts.isBinaryExpression(node)) list.push(...ofBinary(node))
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken)
    list.push(node.operand.getText())
  if (node.kind === ts.SyntaxKind.TrueKeyword) list.push('false')
  if (node.kind === ts.SyntaxKind.FalseKeyword) list.push('true')
  // Elements of a list are left out one by one.
  if (ts.isNumericLiteral(node) && !ts.isArrayLiteralExpression(parent)) list.push(`${node.getText()} + 1`)
  const isText = ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)
  if (isText && !ts.isArrayLiteralExpression(parent)) list.push(node.text === '' ? "'?'" : "''")
  if (ts.isCallExpression(node)) list.push(...ofCall(node))
  if (ts.isArrayLiteralExpression(node)) list.push(...ofArray(node))
  return [...new Set(list)]
}

function isCondition(parent, node) {
  return (ts.isForStatement(parent) ? parent.condition : parent.expression) === node
}

function ofBinary(node) {
  const left = node.left.getText()
  const right = node.right.getText()
  const operator = node.operatorToken.getText()
  if (operator === '??') return [left, right]
  const others = (BINARY[operator] ?? []).map(other => `${left} ${other} ${right}`)
  return operator === '&&' || operator === '||' ? [...others, left, right] : others
}

function ofCall(node) {
  const list = []
  if (ts.isExpressionStatement(node.parent)) list.push('undefined')
  if (!ts.isPropertyAccessExpression(node.expression)) return list
  const { expression, name } = node.expression
  const args = node.arguments.map(a => a.getText()).join(', ')
  const other = METHODS.get(name.text)
  if (other !== undefined) list.push(`${expression.getText()}.${other}(${args})`)
  if (DROPPED.has(name.text)) list.push(expression.getText() === 'Math' ? args : expression.getText())
  return list
}

/** Without each of its elements. */
function ofArray({ elements }) {
  const texts = elements.map(e => e.getText())
  return texts.map((_, i) => `[${texts.filter((_t, at) => at !== i).join(', ')}]`)
}

/** Runs once, when its module is loaded. */
function isStatic(node) {
  for (let at = node.parent; at !== undefined; at = at.parent) if (ts.isFunctionLike(at)) return false
  return true
}
