/** Exists to compute expressions over a program at one moment, by the rules of C and with gdb's answers. */

import { LemmingError } from '../../base/errors.ts'
import { DW_AT } from '../dwarf/constants.ts'
import { integerRegisters } from '../frames/thread.ts'
import { bitsOf, bytesOf } from '../locations/typed.ts'
import { nameOf } from '../types/names.ts'
import type { Method, Type } from '../types/type.ts'
import { arrayOf, C, isIntegral, pointerTo, sizeOf, stripped } from '../types/type.ts'
import { numberToBytes } from '../values/floats.ts'
import { dereference, lostValue, Value } from '../values/value.ts'
import { binaryOperation, isBoolean, isTrue, pointed, truth } from './arithmetic.ts'
import { callFunction, type Caller } from './calls.ts'
import { castTo } from './cast.ts'
import { dynamicCast, traitObject } from './dynamic.ts'
import { convenienceFunctions } from './convenience.ts'
import { typeError } from './errors.ts'
import { alignOf } from '../values/library-parts.ts'
import { containerOf, elementAt, mappedTo, sameText } from '../values/library.ts'
import { isMissing } from '../values/space.ts'
import { libraryMethod } from './library-methods.ts'
import { findMember } from './members.ts'
import { registerValue } from './registers.ts'
import type { Scope } from './scope.ts'
import type { Expression } from './tree.ts'

/** DWARF 5, 7.7.1. */
const DW_OP_CONSTU = 0x10

/** Values that a session has given names: `$1`, `$x`. */
export type Variables = Map<string, Value>

/** Computes `expression` in `scope`. Throws `expression-*`. */
export function evaluate(
  expression: Expression,
  scope: Scope,
  variables: Variables | undefined,
  caller?: Caller,
): Value {
  return new Evaluator(scope, variables, caller).value(expression)
}

class Evaluator {
  private readonly scope: Scope
  private readonly variables: Variables | undefined
  private readonly caller: Caller | undefined

  constructor(scope: Scope, variables: Variables | undefined, caller: Caller | undefined) {
    this.scope = scope
    this.caller = caller
    this.variables = variables
  }

  value(expression: Expression): Value {
    const { scope } = this
    const { view } = scope
    switch (expression.kind) {
      case 'integer':
        return Value.integer(expression.type, expression.value, view)
      case 'float':
        return Value.of(expression.type, numberToBytes(expression.value, sizeOf(expression.type)), view)
      case 'string': {
        const size = sizeOf(expression.element)
        const bytes = new Uint8Array((expression.codes.length + 1) * size)
        expression.codes.forEach((code, i) => bytes.set(bytesOf(BigInt(code), size), i * size))
        return Value.of(arrayOf(expression.element, expression.codes.length + 1), bytes, view)
      }
      case 'name':
        return expression.file === undefined
          ? scope.value(expression.name)
          : scope.valueIn(expression.file, expression.name)
      case 'dollar':
        return this.dollar(expression.name)
      case 'type':
        throw typeError(`Attempt to use a type as an expression`)
      case 'call':
        return this.call(expression)
      case 'cast': {
        const { operand, type, isDynamic } = expression
        if (isDynamic) return dynamicCast(this.value(operand), type, this.scope)
        return operand.kind === 'call' ? castTo(this.call(operand, type), type) : castTo(this.value(operand), type)
      }
      case 'sizeof-type':
        return this.measured(expression.asked, expression.type)
      case 'sizeof': {
        const named = stripped(this.typeOf(expression.operand))
        // The size of a reference is that of what it refers to.
        const type = named.kind === 'reference' ? stripped(named.target) : named
        if (type.kind === 'array' && type.bound !== undefined) return lostValue(C.int, view)
        return this.measured(expression.asked, type)
      }
      case 'at':
        return Value.at(expression.type, Number(pointed(this.value(expression.address)).integer()), view)
      case 'unary':
        return this.unary(expression.operator, expression.operand)
      case 'binary':
        return this.binary(expression.operator, expression.left, expression.right)
      case 'choose':
        return this.value(isTrue(this.value(expression.test)) ? expression.yes : expression.no)
      case 'member':
        return this.member(this.value(expression.object), expression.name, expression.arrow)
      case 'index':
        return this.index(this.value(expression.object), this.value(expression.index))
      case 'repeat':
        return this.repeat(this.value(expression.first), this.value(expression.count))
      case 'assign':
        return this.assign(expression)
    }
  }

  private measured(asked: 'size' | 'alignment', type: Type): Value {
    const { view } = this.scope
    const whole = view.complete(stripped(type))
    return Value.integer(C.int, BigInt(asked === 'size' ? sizeOf(whole) : alignOf(whole)), view)
  }

  /** The type of an expression, or the type that it is. */
  typeOf(expression: Expression): Type {
    return expression.kind === 'type' ? expression.type : this.value(expression).type
  }

  private dollar(name: string): Value {
    const { view } = this.scope
    const known = this.variables?.get(name) ?? this.earlier(name)
    if (known !== undefined) return known
    return (
      registerValue(view, name) ??
      new Value({ kind: 'void', language: 'c' }, { kind: 'value', bytes: new Uint8Array() }, view)
    )
  }

  /** `$` is the last value that was printed, `$$` the one before, `$$N` the one N before the last. */
  private earlier(name: string): Value | undefined {
    const [, back] = /^(|\$\d*)$/.exec(name) ?? []
    if (back === undefined || this.variables === undefined) return undefined
    const last = [...this.variables.keys()].filter((key) => /^\d+$/.test(key)).length
    return this.variables.get(String(last - (back === '' ? 0 : back === '$' ? 1 : Number(back.slice(1)))))
  }

  /** `result`: the type of what comes back, where nothing else says it. */
  private call({ callee, args }: Expression & { kind: 'call' }, result?: Type): Value {
    const given = args.map((one) => this.value(one)).map((one) => (isReference(one) ? followed(one) : one))
    if (callee.kind === 'dollar') {
      const own = convenienceFunctions.get(callee.name)
      if (own !== undefined) return Value.integer(C.int, own(given), this.scope.view)
    }
    const held = callee.kind === 'member' ? this.object(callee.object, callee.arrow) : undefined
    const known = callee.kind === 'member' && held !== undefined ? libraryMethod(held, callee.name, given) : undefined
    if (known !== undefined) return known
    const method = callee.kind === 'member' ? this.method(held!, callee.name) : undefined
    if (method !== undefined) return callFunction(method.callee, [method.self, ...given], this.caller, result)
    const direct = callee.kind === 'name' && this.caller !== undefined ? this.indirect(callee.name) : undefined
    return callFunction(direct ?? followed(this.value(callee)), given, this.caller, result)
  }

  /** The function that an indirect one (`strlen` of the C library, by processor) stands for. */
  private indirect(name: string): Value | undefined {
    const found = this.scope.indirectFunction(name)
    // A variable of this name is meant first.
    if (found === undefined || stripped(this.scope.value(name).type).kind !== 'function') return undefined
    const { rax } = this.caller!({ address: found, integers: [], floats: [], literals: [] })
    return this.scope.untyped(Number(rax))
  }

  /** What `object.name` and `object->name` are about. */
  private object(expression: Expression, arrow: boolean): Value {
    const value = followed(this.value(expression))
    const pointer = arrow ? (smartPointer(value) ?? value) : value
    return stripped(pointer.type).kind === 'pointer' ? followed(dereference(pointer)) : value
  }

  /** `object.name` where that is a method, of its class or of one that it is made from. */
  private method(self: Value, name: string): { callee: Value; self: Value } | undefined {
    const { view } = this.scope
    const search = (value: Value): { callee: Value; self: Value } | undefined => {
      const type = view.complete(stripped(value.type))
      if (type.kind === 'struct' && type.language === 'rust') return this.rustMethod(value, `${type.name}::${name}`)
      if (type.kind !== 'struct' || type.language !== 'c++' || value.address === undefined) return undefined
      const method = type.methods.find((one) => one.name === name && !one.isStatic)
      if (method !== undefined) {
        const self = Value.integer(pointerTo(value.type), BigInt(value.address), view)
        return { callee: this.codeOf(method, type.name ?? '', value.address), self }
      }
      for (const member of type.members) {
        const found = member.isBase ? search(value.member(member)) : undefined
        if (found !== undefined) return found
      }
      return undefined
    }
    return search(self)
  }

  /** Methods of Rust are functions in the scope of their type; what they take says whether they borrow. */
  private rustMethod(value: Value, path: string): { callee: Value; self: Value } | undefined {
    let callee: Value
    try {
      callee = this.scope.value(path)
    } catch (error) {
      if (!(error instanceof LemmingError) || error.code !== 'expression-name') throw error
      return undefined
    }
    const type = stripped(callee.type)
    const [first] = type.kind === 'function' ? type.parameters : []
    const borrows = first !== undefined && stripped(first).kind === 'pointer' && value.address !== undefined
    return { callee, self: borrows ? Value.integer(first, BigInt(value.address!), value.space) : value }
  }

  /** A virtual method is the one that the object's table has; its entry may also set `this` right. */
  private codeOf({ name, type, isVirtual, entry }: Method, owner: string, address: number): Value {
    const { view } = this.scope
    const slot = isVirtual ? entry.block(DW_AT.vtable_elem_location) : undefined
    if (slot?.[0] === DW_OP_CONSTU) {
      const table = Value.at(C.unsignedLong, address, view).integer()
      const at = Number(table) + 8 * slot.subarray(1).reduceRight((sum, byte) => sum * 128 + (byte & 127), 0)
      return Value.at(type, Number(Value.at(C.unsignedLong, at, view).integer()), view)
    }
    try {
      return this.scope.value(`${owner}::${name}`)
    } catch (error) {
      if (!(error instanceof LemmingError) || error.code !== 'expression-name') throw error
      throw typeError(`Cannot evaluate function ${name} -- may be inlined`)
    }
  }

  private assign({ left, operator, right }: Expression & { kind: 'assign' }): Value {
    const value = operator === '' ? this.value(right) : this.binary(operator, left, right)
    if (left.kind === 'dollar' && !integerRegisters.has(left.name)) {
      try {
        // What it is now, wherever the run goes.
        value.contents()
      } catch (error) {
        if (!isMissing(error)) throw error
      }
      this.variables?.set(left.name, value)
      return value
    }
    throw new LemmingError(
      'expression-assignment',
      'an expression cannot change the program: it looks at a moment of a recorded run',
      'branch off the run at this moment to change it',
    )
  }

  private unary(operator: string, operand: Expression): Value {
    const { view } = this.scope
    if (operator === '&') return this.addressOf(operand)
    const value = followed(this.value(operand))
    if (operator === '*') return this.dereferenced(smartPointer(value) ?? traitObject(value) ?? value)
    const isRustInteger = stripped(value.type).language === 'rust' && isIntegral(value.type) && !isBoolean(value.type)
    if (operator === '!' && isRustInteger) return Value.integer(value.type, ~value.integer(), view)
    if (operator === '!') return truth(!isTrue(value), view)
    return binaryOperation(operator === '~' ? '~' : `unary${operator}`, value, value)
  }

  private dereferenced(value: Value): Value {
    const type = stripped(value.type)
    switch (type.kind) {
      case 'pointer': {
        const target = stripped(type.target)
        if (target.kind === 'void') throw typeError('Attempt to take contents of a non-pointer value.')
        return dereference(value)
      }
      case 'array':
        return this.index(value, Value.integer(C.int, 0n, value.space))
      case 'function':
        return value
      case 'base':
        // gdb reads a word where an address is given as a number.
        if (isIntegral(type)) return Value.at(C.long, Number(value.integer()), value.space)
        break
      default:
    }
    throw typeError('Attempt to take contents of a non-pointer value.')
  }

  private addressOf(operand: Expression): Value {
    const value = this.value(operand)
    const { view } = this.scope
    const type = stripped(value.type)
    if (type.kind === 'reference') {
      return new Value(pointerTo(type.target), value.location, view).as(pointerTo(type.target))
    }
    if (value.location.kind === 'register') {
      const name = operand.kind === 'name' ? operand.name : 'value'
      throw typeError(`Address requested for identifier "${name}" which is in a register.`)
    }
    if (value.address === undefined || value.bits !== undefined)
      throw typeError(
        value.location.kind === 'optimized-out'
          ? 'value has been optimized out'
          : 'Attempt to take address of value not located in memory.',
      )
    return Value.integer(pointerTo(value.type), BigInt(value.address), view)
  }

  private binary(operator: string, left: Expression, right: Expression): Value {
    const { view } = this.scope
    if (operator === ',') {
      this.value(left)
      return this.value(right)
    }
    const first = followed(this.value(left))
    if (operator === '&&' || operator === '||') {
      const known = isTrue(first)
      if (known === (operator === '||')) return truth(known, view)
      return truth(isTrue(followed(this.value(right))), view)
    }
    const second = followed(this.value(right))
    if (operator === '.*' || operator === '->*') return this.memberBehind(first, second)
    const isEqual = /^[!=]=$/.test(operator) ? sameText(first, second) : undefined
    if (isEqual !== undefined) return truth(isEqual === (operator === '=='), view)
    return binaryOperation(operator, first, second)
  }

  /** `object.*member`. */
  private memberBehind(object: Value, which: Value): Value {
    const type = stripped(which.type)
    if (type.kind !== 'member-pointer' || stripped(type.target).kind === 'function')
      throw typeError('The right side of .* and ->* is no pointer to a data member.')
    const held = stripped(object.type).kind === 'pointer' ? followed(dereference(object)) : object
    return castTo(held, type.owner).part(type.target, Number(BigInt.asIntN(64, bitsOf(which.bytes()))))
  }

  private member(value: Value, name: string, arrow: boolean): Value {
    const whole = followed(value)
    let object = stripped(whole.type).kind === 'array' ? pointed(whole) : whole
    for (let hops = 0; hops < 8; hops++) {
      const plain = stripped(object.type)
      if (plain.kind !== 'pointer') break
      if (stripped(plain.target).kind !== 'struct' && stripped(plain.target).kind !== 'pointer') break
      if (hops > 0 && plain.language !== 'rust') break
      object = followed(dereference(object))
    }
    const behind = arrow && stripped(object.type).kind === 'struct' ? smartPointer(object) : undefined
    if (behind !== undefined) return this.member(behind, name, true)
    const type = object.space.complete(stripped(object.type))
    if (type.kind !== 'struct') {
      const what = arrow ? 'structure pointer' : 'structure'
      throw typeError(`Attempt to extract a component of a value that is not a ${what}.`)
    }
    const found = findMember(object, type, name)
    if (found !== undefined) return found
    if (type.isDeclaration)
      throw typeError(`incomplete type \`${nameOf(type)}': its definition is in no debugging information`)
    // Rust calls the fields of tuples 0, 1; the debugging information calls them __0, __1.
    const tupled = /^[0-9]+$/.test(name) ? findMember(object, type, `__${name}`) : undefined
    if (tupled !== undefined) return tupled
    throw typeError(`There is no member named ${name}.`)
  }

  private index(object: Value, at: Value): Value {
    const value = followed(object)
    const type = stripped(value.type)
    const mapped = type.kind === 'struct' ? mappedTo(value, followed(at)) : undefined
    if (mapped !== undefined) return mapped
    const index = Number(pointed(followed(at)).integer())
    if (type.kind === 'array') {
      const size = sizeOf(value.space.complete(stripped(type.element)))
      if (value.address !== undefined) return Value.at(type.element, value.address + index * size, value.space)
      if (index < 0 || (type.count !== undefined && index >= type.count)) throw typeError(`no such vector element`)
      return value.part(type.element, index * size)
    }
    if (type.kind === 'struct' && type.language === 'rust') {
      const pointer = findMember(value, type, 'data_ptr')
      if (pointer !== undefined) return this.index(pointer, at)
    }
    if (type.kind === 'struct') {
      const element = elementAt(value, index)
      if (element !== undefined) return element
      throw typeError('an expression cannot call operator[]: it looks at a moment of a recorded run')
    }
    return this.dereferenced(binaryOperation('+', value, Value.integer(C.long, BigInt(index), value.space)))
  }

  private repeat(first: Value, count: Value): Value {
    const times = Number(count.integer())
    if (first.address === undefined) throw typeError("Only values in memory can be extended with '@'.")
    if (times <= 0) throw typeError(`Invalid number ${times} of repetitions.`)
    return Value.at(arrayOf(first.type, times), first.address, first.space)
  }
}

/** Throws `expression-type` for data of which only the symbol is known: it can be cast, and its address taken, but no more. */
export function requireType(value: Value): void {
  const type = stripped(value.type)
  if (type.kind === 'void' && type.symbol !== undefined)
    throw typeError(`'${type.symbol}' has unknown type; cast it to its declared type`)
}

/** The pointer in a smart pointer of the library. */
function smartPointer(value: Value): Value | undefined {
  return stripped(value.type).kind === 'struct' ? containerOf(value)?.pointer : undefined
}

function isReference({ type }: Value): boolean {
  return stripped(type).kind === 'reference'
}

/** What a reference refers to; other values as they are. */
function followed(value: Value): Value {
  requireType(value)
  const type = stripped(value.type)
  return type.kind === 'reference' ? followed(dereference(value)) : value
}
