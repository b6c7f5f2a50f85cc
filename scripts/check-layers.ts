/** Refuses every import below src/ that layers.mjs does not allow. Run as `npm run layers`. */
import { cruise, type ICruiseOptions, type ICruiseResult } from 'dependency-cruiser'
import { join } from 'node:path'
import { layers, nodeBuiltins, packages } from '../layers.mjs'

type Rule = NonNullable<NonNullable<ICruiseOptions['ruleSet']>['forbidden']>[number]

/** What a reading of the imports of one tree found. */
export interface LayerReport {
  /** Modules below src/ that were read: zero means that the check itself is broken. */
  modules: number
  /** Imports between them, and out of them. Zero would be as wrong as zero modules. */
  imports: number
  /** One line per refused import: `rule: from → to`. */
  violations: string[]
}

const escape = (text: string): string => text.replace(/[.\\/+*?^$()[\]{}|-]/g, '\\$&')

/** A folder of src as a pattern of its files, or one file as a pattern of itself. */
const pattern = (target: string): string => `^src/${escape(target)}${target.endsWith('.ts') ? '$' : '/'}`

function rules(): Rule[] {
  const known = Object.keys(layers)
  const builtins = Object.keys(nodeBuiltins).map((path) => `^${escape(path)}${path.endsWith('.ts') ? '$' : ''}`)
  const forbidden: Rule[] = known.map((folder) => ({
    name: `layer ${folder}`,
    severity: 'error',
    from: { path: pattern(folder) },
    to: { path: '^src/', pathNot: [folder, ...Object.keys(layers[folder]!)].map(pattern) },
  }))
  forbidden.push(
    {
      name: 'folder missing in layers.mjs',
      severity: 'error',
      from: { path: '^src/', pathNot: known.map(pattern) },
      to: {},
    },
    {
      // Between folders the arrows of layers.mjs are acyclic anyway. Inside a folder two files may know each other's
      // types, which cost nothing at run time; values must not depend on each other in a circle.
      name: 'cycle',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'unresolvable', severity: 'error', from: { path: '^src/' }, to: { couldNotResolve: true } },
    {
      name: 'src stands alone',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts|examples)/' },
    },
    {
      name: 'node:* only in host/node.ts and above session',
      severity: 'error',
      from: { path: '^src/', pathNot: builtins },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'package missing in layers.mjs',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        path: 'node_modules/',
        pathNot: Object.keys(packages).map((name) => `node_modules/${escape(name)}/`),
      },
    },
  )
  for (const [name, { in: folders }] of Object.entries(packages)) {
    forbidden.push({
      name: `package ${name}`,
      severity: 'error',
      from: { path: '^src/', pathNot: folders.map(pattern) },
      to: { path: `node_modules/${escape(name)}/` },
    })
  }
  return forbidden
}

/** Reads every import below `root`/src (an absolute path) and holds it against layers.mjs. */
export async function checkLayers(root: string): Promise<LayerReport> {
  const result = await cruise(['src'], {
    baseDir: root,
    validate: true,
    ruleSet: { forbidden: rules() },
    // dependency-cruiser reads TypeScript through the compiler's own API, which TypeScript 7 no longer has: without
    // this parser (and @swc/core) it would silently read nothing.
    parser: 'swc',
    // Types count: a folder that knows another's types depends on it.
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    preserveSymlinks: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  } as ICruiseOptions)
  const { modules, summary } = result.output as ICruiseResult
  const own = modules.filter((module) => module.source.startsWith('src/'))
  return {
    modules: own.length,
    imports: own.reduce((sum, module) => sum + module.dependencies.length, 0),
    violations: summary.violations.map((found) => `${found.rule.name}: ${found.from} → ${found.to}`).sort(),
  }
}

if (import.meta.main) {
  const report = await checkLayers(join(import.meta.dirname, '..'))
  for (const violation of report.violations) console.error(violation)
  console.log(`layers: ${report.modules} modules, ${report.imports} imports, ${report.violations.length} refused`)
  const blind = report.modules === 0 || report.imports === 0
  if (blind) console.error('layers: no import was read, so nothing was checked')
  if (blind || report.violations.length > 0) process.exitCode = 1
}
