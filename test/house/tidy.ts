/** The rules of tidiness as a function from a source tree to complaints, so that the rules themselves can be tested. */
import { parseSync } from '@swc/core'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { deterministic } from '../../layers.mjs'

/** What is wrong in one file or folder of the tree. */
export interface Complaint {
  rule: 'size' | 'header' | 'ambient' | 'path' | 'readme' | 'unfinished' | 'switched off'
  /** Path from the root of the tree, and the line where there is one. */
  where: string
  what: string
}

const skipped = new Set(['.git', 'node_modules', 'dist', 'build', 'coverage', 'package-lock.json', 'LICENSE'])
const code = new Set(['.ts', '.mjs', '.js', '.c', '.cc', '.cpp', '.h', '.hpp', '.s', '.S', '.sh', '.html', '.css'])
const text = new Set([...code, '.md', '.json', '.txt', '.csv', '.yml', '.yaml', '.toml', '.supp', '.expected', ''])

const codeLines = 600
const tableLines = 1500
const readmeLines = 80

/** Files whose length is that of a list of facts, one row each. */
const isTable = (path: string): boolean => path.startsWith('src/x86/table') || path.startsWith('src/linux/table')

// Homes and scratch places of whoever wrote a file. The paths are put together here so that this file holds none.
const places = ['work', 'root', 'home/\\w+', 'Users/\\w+', 'tmp/t', 'tmp/node\\d+']
const localPath = new RegExp(`(?<![\\w.~*})-])/(?:${places.join('|')})/`)
const unfinished = new RegExp(`\\b(?:${['TO' + 'DO', 'FIX' + 'ME'].join('|')})\\b`)

const banned = new Set(['console', 'performance', 'Date'])
const timers = new Set(['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'])
const suites = new Set(['test', 'it', 'describe', 'suite', 'bench'])
const switches = new Set(['only', 'skip', 'todo', 'skipIf', 'runIf'])

function* filesBelow(root: string, folder = ''): Generator<string> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    if (skipped.has(entry.name)) continue
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) yield* filesBelow(root, path)
    else if (entry.isFile() && text.has(extname(entry.name))) yield path
  }
}

/** The part of swc's syntax tree that the rules look at. */
interface Syntax {
  type?: string
  value?: string
  object?: Syntax
  property?: Syntax
  callee?: Syntax
  span?: { start: number }
}

function* nodes(node: unknown): Generator<Syntax> {
  if (Array.isArray(node)) for (const item of node) yield* nodes(item)
  else if (typeof node === 'object' && node !== null) {
    if ('type' in node) yield node as Syntax
    yield* nodes(Object.values(node))
  }
}

const name = (node: Syntax | undefined): string =>
  node?.type === 'Identifier' || node?.type === 'StringLiteral' ? (node.value ?? '') : ''

/** The ambient thing that an expression asks for (`Math.random`, `new Date`, `console.` …), or ''. */
function ambient(node: Syntax): string {
  if (node.type === 'MemberExpression') {
    const object = name(node.object)
    if (object === 'globalThis' && (banned.has(name(node.property)) || timers.has(name(node.property)))) {
      return `globalThis.${name(node.property)}`
    }
    if (object === 'Math' && name(node.property) === 'random') return 'Math.random'
    if (banned.has(object)) return `${object}.${name(node.property)}`
  }
  if (node.type === 'NewExpression' && name(node.callee) === 'Date') return 'new Date'
  if (node.type === 'CallExpression' && (timers.has(name(node.callee)) || name(node.callee) === 'Date')) {
    return name(node.callee)
  }
  return ''
}

/** The switch by which a test escapes (`test.skip`, `describe.concurrent.only` …), or ''. */
function switchedOff(node: Syntax): string {
  if (node.type !== 'MemberExpression' || !switches.has(name(node.property))) return ''
  let object = node.object
  while (object?.type === 'MemberExpression') object = object.object
  return suites.has(name(object)) ? `${name(object)}.${name(node.property)}` : ''
}

function opensWithSentence(source: string): boolean {
  const comment = /^(?:#![^\n]*\n)?\/\*\*(.*?)\*\//s.exec(source)
  const words = (comment?.[1] ?? '').replace(/^\s*\* ?/gm, '').trim()
  const paragraph = words.split(/\n\s*\n/)[0] ?? ''
  return /\w.*?\.(?:\s|$)/s.test(paragraph)
}

/** Everything untidy below `root` (an absolute path), and how many files were read. */
export function tidy(root: string): { files: number; complaints: Complaint[] } {
  const complaints: Complaint[] = []
  let files = 0
  for (const path of filesBelow(root)) {
    const source = readFileSync(join(root, path), 'utf8')
    if (source.includes('\0')) continue
    files++
    const lines = source.split('\n')
    const complain = (rule: Complaint['rule'], what: string, line?: number): void => {
      complaints.push({ rule, where: line === undefined ? path : `${path}:${line}`, what })
    }

    const length = source.endsWith('\n') ? lines.length - 1 : lines.length
    const limit = code.has(extname(path)) && !isTable(path) ? codeLines : tableLines
    if (length > limit) complain('size', `${length} lines, of at most ${limit}`)

    lines.forEach((line, index) => {
      const found = localPath.exec(line)
      if (found) complain('path', `names a place of one machine: ${found[0]}`, index + 1)
      const mark = code.has(extname(path)) ? unfinished.exec(line) : null
      if (mark) complain('unfinished', `${mark[0]}: finish it or say so in an issue`, index + 1)
    })

    if (extname(path) !== '.ts') continue
    const folder = path.startsWith('src/') ? path.split('/')[1]! : ''
    if (folder !== '' && !opensWithSentence(source)) {
      complain('header', 'does not begin with a /** comment whose first sentence ends in a period')
    }
    const isTest = path.endsWith('.test.ts')
    if (!isTest && !deterministic.includes(folder)) continue
    const tree = [...nodes(parseSync(source, { syntax: 'typescript', target: 'es2022' }).body)]
    for (const found of tree.map(isTest ? switchedOff : ambient)) {
      if (found === '') continue
      if (isTest) complain('switched off', `${found}: a test runs, or it goes`)
      else complain('ambient', `${found}: a run is a function of its inputs and a seed`)
    }
  }

  if (existsSync(join(root, 'src'))) {
    for (const entry of readdirSync(join(root, 'src'), { withFileTypes: true })) {
      const readme = `src/${entry.name}/README.md`
      if (!entry.isDirectory()) continue
      if (!existsSync(join(root, readme))) complaints.push({ rule: 'readme', where: readme, what: 'is missing' })
      else if (readFileSync(join(root, readme), 'utf8').split('\n').length > readmeLines) {
        complaints.push({ rule: 'readme', where: readme, what: 'is longer than a page' })
      }
    }
  }
  return { files, complaints }
}
