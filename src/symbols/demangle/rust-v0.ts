/** Exists to demangle Rust's present names, which start with `_R` (RFC 2603, "Symbol name mangling v0"). */

import { NotMangled } from './cursor.ts'
import { decodePunycode } from './punycode.ts'

const basicTypes: Record<string, string> = {
  a: 'i8',
  b: 'bool',
  c: 'char',
  d: 'f64',
  e: 'str',
  f: 'f32',
  h: 'u8',
  i: 'isize',
  j: 'usize',
  l: 'i32',
  m: 'u32',
  n: 'i128',
  o: 'u128',
  p: '_',
  s: 'i16',
  t: 'u16',
  u: '()',
  v: '...',
  x: 'i64',
  y: 'u64',
  z: '!',
}

const MAX_DEPTH = 500
const MAX_LENGTH = 1 << 20

/** The Rust path behind `mangled`, or undefined if it is no such name. `verbose` shows the disambiguators of crates and the types of constants. */
export function demangleRustV0(mangled: string, verbose: boolean): string | undefined {
  const body = /^_?_?R([A-Z][A-Za-z0-9_]*)(?:\.[\x21-\x7e]*)?$/.exec(mangled)
  if (body === null) return undefined
  try {
    return new RustParser(body[1], verbose).symbol()
  } catch (error) {
    if (error instanceof NotMangled) return undefined
    throw error
  }
}

interface Identifier {
  readonly name: string
  readonly disambiguator: number
}

/** Parses and writes in one pass; a back reference is parsed again where it is used. */
class RustParser {
  private readonly input: string
  private readonly verbose: boolean
  private at = 0
  private depth = 0
  private written = 0
  /** Number of lifetimes bound by the `for<...>`s around. */
  private boundLifetimes = 0

  constructor(input: string, verbose: boolean) {
    this.input = input
    this.verbose = verbose
  }

  symbol(): string {
    const path = this.path(true)
    // The crate that instantiated a generic function; not shown.
    if (this.at < this.input.length) this.path(false)
    if (this.at < this.input.length) this.fail()
    return path
  }

  private fail(): never {
    throw new NotMangled()
  }

  private next(): string {
    if (this.at >= this.input.length) this.fail()
    return this.input[this.at++]
  }

  private accept(c: string): boolean {
    if (this.input[this.at] !== c) return false
    this.at++
    return true
  }

  private nest(production: () => string): string {
    if (++this.depth > MAX_DEPTH) this.fail()
    const result = production()
    this.depth--
    this.written += result.length
    if (this.written > MAX_LENGTH) this.fail()
    return result
  }

  /** Digits of base 62 up to `_`; `_` alone is 0. */
  private base62(): number {
    if (this.accept('_')) return 0
    let value = 0
    while (!this.accept('_')) {
      const c = this.next()
      const digit = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'.indexOf(c)
      if (digit < 0) this.fail()
      value = value * 62 + digit
    }
    return value + 1
  }

  /** `s <base-62-number>`, the same for every digit of a 64-bit number: exact, as hexadecimal text is shown of it. */
  private disambiguator(): bigint {
    if (!this.accept('s')) return 0n
    let value = 0n
    if (this.accept('_')) return 1n
    while (!this.accept('_')) {
      const digit = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'.indexOf(this.next())
      if (digit < 0) this.fail()
      value = BigInt.asUintN(64, value * 62n + BigInt(digit))
    }
    return value + 2n
  }

  private undisambiguated(): string {
    const isPunycode = this.accept('u')
    const digits = /^(?:0|[1-9]\d*)/.exec(this.input.slice(this.at, this.at + 8))
    if (digits === null) return this.fail()
    this.at += digits[0].length
    this.accept('_')
    const length = Number(digits[0])
    const name = this.input.slice(this.at, this.at + length)
    if (name.length !== length) this.fail()
    this.at += length
    return isPunycode ? (decodePunycode(name) ?? this.fail()) : name
  }

  private identifier(): Identifier & { readonly crateHash: string } {
    const value = this.disambiguator()
    return { name: this.undisambiguated(), disambiguator: Number(value), crateHash: value.toString(16) }
  }

  /** The production that a back reference points to. */
  private backReference(production: () => string): string {
    const start = this.at - 1
    const target = this.base62()
    if (target >= start) this.fail()
    const after = this.at
    this.at = target
    const result = production()
    this.at = after
    return result
  }

  /** `<path>`; `inValue` writes generic arguments as `::<...>`. */
  private path(inValue: boolean): string {
    return this.nest(() => this.anyPath(inValue))
  }

  private anyPath(inValue: boolean): string {
    const c = this.next()
    switch (c) {
      case 'C': {
        const { name, crateHash } = this.identifier()
        return this.verbose ? `${name}[${crateHash}]` : name
      }
      case 'N':
        return this.nestedPath(inValue)
      case 'M':
        this.implPath()
        return `<${this.type()}>`
      case 'X':
        this.implPath()
        return `<${this.type()} as ${this.path(false)}>`
      case 'Y': {
        const type = this.type()
        return `<${type} as ${this.path(false)}>`
      }
      case 'I': {
        const path = this.path(inValue)
        return `${path}${inValue ? '::' : ''}<${this.genericArgs()}>`
      }
      case 'B':
        return this.backReference(() => this.path(inValue))
      default:
        return this.fail()
    }
  }

  /** Where an `impl` stands; not shown. */
  private implPath(): void {
    this.disambiguator()
    this.path(false)
  }

  private nestedPath(inValue: boolean): string {
    const namespace = this.next()
    const path = this.path(inValue)
    const { name, disambiguator } = this.identifier()
    if (namespace >= 'A' && namespace <= 'Z') {
      const kind = namespace === 'C' ? 'closure' : namespace === 'S' ? 'shim' : namespace
      return `${path}::{${kind}${name === '' ? '' : `:${name}`}#${disambiguator}}`
    }
    if (namespace < 'a' || namespace > 'z') return this.fail()
    return name === '' ? path : `${path}::${name}`
  }

  private genericArgs(): string {
    const args: string[] = []
    while (!this.accept('E')) args.push(this.genericArg())
    return args.join(', ')
  }

  private genericArg(): string {
    if (this.accept('L')) return this.lifetime(this.base62())
    if (this.accept('K')) return this.constant(false)
    return this.type()
  }

  /** Lifetimes are counted from the innermost binder; 0 is the erased one. */
  private lifetime(index: number): string {
    if (index === 0) return "'_"
    const depth = this.boundLifetimes - index
    if (depth < 0) return this.fail()
    return depth < 26 ? `'${String.fromCharCode(97 + depth)}` : `'_${depth}`
  }

  /** `[<binder>]` and what it binds lifetimes for. */
  private bound(production: () => string): string {
    const count = this.accept('G') ? this.base62() + 1 : 0
    if (count > 1000) this.fail()
    const names = Array.from({ length: count }, () => {
      this.boundLifetimes++
      return this.lifetime(1)
    })
    const result = production()
    this.boundLifetimes -= count
    return count === 0 ? result : `for<${names.join(', ')}> ${result}`
  }

  private type(): string {
    return this.nest(() => this.anyType())
  }

  private anyType(): string {
    const c = this.next()
    if (Object.hasOwn(basicTypes, c)) return basicTypes[c]
    switch (c) {
      case 'R':
      case 'Q': {
        const lifetime = this.accept('L') ? this.base62() : 0
        const shown = lifetime === 0 ? '' : `${this.lifetime(lifetime)} `
        return `&${shown}${c === 'Q' ? 'mut ' : ''}${this.type()}`
      }
      case 'P':
        return `*const ${this.type()}`
      case 'O':
        return `*mut ${this.type()}`
      case 'A': {
        const element = this.type()
        return `[${element}; ${this.constant(true)}]`
      }
      case 'S':
        return `[${this.type()}]`
      case 'T': {
        const elements: string[] = []
        while (!this.accept('E')) elements.push(this.type())
        return elements.length === 1 ? `(${elements[0]},)` : `(${elements.join(', ')})`
      }
      case 'F':
        return this.bound(() => this.functionType())
      case 'D':
        return this.dynType()
      case 'B':
        return this.backReference(() => this.type())
      default:
        this.at--
        return this.path(false)
    }
  }

  private functionType(): string {
    const unsafe = this.accept('U') ? 'unsafe ' : ''
    let abi = ''
    if (this.accept('K')) abi = `extern "${this.accept('C') ? 'C' : this.undisambiguated().replaceAll('_', '-')}" `
    const params: string[] = []
    while (!this.accept('E')) params.push(this.type())
    const result = this.accept('u') ? '' : ` -> ${this.type()}`
    return `${unsafe}${abi}fn(${params.join(', ')})${result}`
  }

  private dynType(): string {
    const traits = this.bound(() => {
      const list: string[] = []
      while (!this.accept('E')) list.push(this.dynTrait())
      return list.join(' + ')
    })
    if (!this.accept('L')) return this.fail()
    const lifetime = this.base62()
    return `dyn ${traits}${lifetime === 0 ? '' : ` + ${this.lifetime(lifetime)}`}`
  }

  /** A trait with its generic arguments, to which bindings of associated types are added. */
  private dynTrait(): string {
    const { path, open } = this.openPath()
    const bindings: string[] = []
    while (this.accept('p')) bindings.push(`${this.undisambiguated()} = ${this.type()}`)
    if (bindings.length === 0) return open ? `${path}>` : path
    return `${path}${open ? ', ' : '<'}${bindings.join(', ')}>`
  }

  /** A path whose list of generic arguments, if it has one, is left open. */
  private openPath(): { path: string; open: boolean } {
    if (this.accept('B')) {
      let open = false
      const path = this.backReference(() => {
        const result = this.openPath()
        open = result.open
        return result.path
      })
      return { path, open }
    }
    if (!this.accept('I')) return { path: this.path(false), open: false }
    const path = this.path(false)
    return { path: `${path}<${this.genericArgs()}`, open: true }
  }

  /** `<const>`: a value with the letter of its type before it. */
  private constant(inType: boolean): string {
    return this.nest(() => this.anyConstant(inType))
  }

  private anyConstant(inType: boolean): string {
    const c = this.next()
    if (c === 'B') return this.backReference(() => this.constant(inType))
    if (c === 'p') return '_'
    let value: string
    if ('hjmoty'.includes(c)) value = this.integer()
    else if ('ailnsx'.includes(c)) value = (this.accept('n') ? '-' : '') + this.integer()
    else if (c === 'b') value = this.hex() === '1' ? 'true' : 'false'
    else if (c === 'c') value = characterLiteral(Number.parseInt(this.hex() || '0', 16))
    else return this.fail()
    return this.verbose ? `${value}: ${basicTypes[c]}` : value
  }

  private hex(): string {
    const digits = /^[0-9a-f]*/.exec(this.input.slice(this.at))?.[0] ?? ''
    this.at += digits.length
    if (!this.accept('_')) this.fail()
    return digits.replace(/^0+(?=.)/, '')
  }

  private integer(): string {
    const digits = this.hex()
    return digits.length > 16 ? `0x${digits}` : BigInt(`0x${digits || '0'}`).toString()
  }
}

function characterLiteral(point: number): string {
  if (point > 0x10ffff) throw new NotMangled()
  const named: Record<number, string> = { 9: '\\t', 10: '\\n', 13: '\\r', 39: "\\'", 92: '\\\\' }
  if (named[point] !== undefined) return `'${named[point]}'`
  return point >= 0x20 && point < 0x7f ? `'${String.fromCodePoint(point)}'` : `'\\u{${point.toString(16)}}'`
}
