/** Parameters of the older form: a list of declarations, or an object of declarations or plain defaults by name. */
import type { PipelineInput } from '@mnemos/api'
import { below, isAbsent, isObject, none, type Place, readItems, readMembers, readText, refuseOthers, wrong } from './older-reading.ts'
import { type ParameterType, parameterTypes } from './parameters.ts'

type Declaration = NonNullable<PipelineInput['spec']['parameters']>[number]

const fields = ['type', 'description', 'default', 'enum', 'minimum', 'maximum', 'minLength', 'maxLength', 'pattern']
const instead = { required: 'take it out: what has no default must be given' }

/** Other words for the types there are. */
const aliases: Readonly<Record<string, ParameterType>> = {
  ...{ str: 'string', text: 'string', int: 'integer', float: 'number', double: 'number', bool: 'boolean' },
  ...{ array: 'list', map: 'object', dict: 'object' },
}

export function convertParameters(place: Place): readonly Declaration[] {
  if (!isObject(place.value))
    return readItems(place).flatMap((item): readonly Declaration[] => {
      refuseOthers(item, ['name', ...fields], instead)
      const name = readText(below(item, 'name'))
      if (name !== undefined) return [declared(name, item)]
      return none(item, { code: 'required', says: 'has no name', write: 'write {name: topic, type: string}' })
    })
  return readMembers(place).map(([name, member]) => {
    if (!isDeclaration(member.value)) return { name, type: typeOf(member.value), ...(isAbsent(member) ? {} : { default: member.value }) }
    refuseOthers(member, fields, instead)
    return declared(name, member)
  })
}

/** An object that says nothing of a declaration is a default. */
function isDeclaration(value: unknown): boolean {
  return isObject(value) && ['type', 'default', 'description', 'required', 'enum'].some((field) => Object.hasOwn(value, field))
}

function declared(name: string, place: Place): Declaration {
  const preset = below(place, 'default')
  const description = readText(below(place, 'description'))
  const pattern = readText(below(place, 'pattern'))
  const choices = readItems(below(place, 'enum')).map(({ value }) => value)
  return {
    name,
    type: readType(below(place, 'type')) ?? typeOf(preset.value),
    ...(description === undefined ? {} : { description }),
    ...(isAbsent(preset) ? {} : { default: preset.value }),
    ...(choices.length === 0 ? {} : { enum: choices }),
    ...numberOf(place, 'minimum'),
    ...numberOf(place, 'maximum'),
    ...numberOf(place, 'minLength'),
    ...numberOf(place, 'maxLength'),
    ...(pattern === undefined ? {} : { pattern }),
  }
}

function numberOf(place: Place, field: string): Readonly<Record<string, number>> {
  const member = below(place, field)
  if (isAbsent(member)) return {}
  if (typeof member.value === 'number') return { [field]: member.value }
  wrong(member, { code: 'type', says: 'is no number', write: 'write a number' })
  return {}
}

function readType(place: Place): ParameterType | undefined {
  const text = readText(place)
  if (text === undefined) return undefined
  const type = parameterTypes.find((each) => each === text) ?? (Object.hasOwn(aliases, text) ? aliases[text] : undefined)
  if (type === undefined) wrong(place, { code: 'enum', says: 'is no type', write: `use one of ${parameterTypes.join(', ')}` })
  return type
}

function typeOf(value: unknown): ParameterType {
  if (Array.isArray(value)) return 'list'
  if (isObject(value)) return 'object'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value === 'boolean' ? 'boolean' : 'string'
}
