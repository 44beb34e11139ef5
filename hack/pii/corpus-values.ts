/** Invented personal data of each kind, as people of many countries write it. */
import { allFakers, type Faker } from '@faker-js/faker'
import type { PiiEntity } from '@mnemos/pii'
import { type CountryCode, getExampleNumber } from 'libphonenumber-js'
import examples from 'libphonenumber-js/examples.mobile.json'
import type { Half } from './corpus.ts'
import type { Chance } from './corpus-chance.ts'

type Locale = keyof typeof allFakers

function fakerOf(chance: Chance, locale: Locale): Faker {
  const faker = allFakers[locale]
  faker.seed(chance.int(1, 2 ** 31 - 1))
  return faker
}

function email(chance: Chance): string {
  const faker = fakerOf(chance, chance.pick(['en', 'de', 'fr', 'es', 'it', 'nl', 'pl', 'sv'] as const))
  const first = faker.person
    .firstName()
    .normalize('NFD')
    .replace(/[^A-Za-z]/g, '')
    .toLowerCase()
  const last = faker.person
    .lastName()
    .normalize('NFD')
    .replace(/[^A-Za-z]/g, '')
    .toLowerCase()
  const local = chance.pick([
    `${first}.${last}`,
    `${first}_${last}`,
    `${first.charAt(0)}${last}`,
    `${first}${chance.int(1, 99)}`,
    `${first}+news`,
    `${last}-${first}`,
    `${first.toUpperCase()}.${last}`,
    `o'${last}`,
  ])
  const domain = chance.pick([
    'example.com',
    'example.org',
    'example.net',
    'mail.example.com',
    'example.co.uk',
    'bücher.example',
    'EXAMPLE.COM',
    'sub.dept.example.org',
    'example.com.br',
    'company.example',
    'xn--bcher-kva.example.com',
  ])
  return `${local}@${domain}`
}

const countries: readonly CountryCode[] = [
  'US',
  'GB',
  'DE',
  'FR',
  'ES',
  'IT',
  'NL',
  'BE',
  'CH',
  'AT',
  'PL',
  'SE',
  'NO',
  'DK',
  'FI',
  'PT',
  'IE',
  'CZ',
  'HU',
  'RO',
  'GR',
  'TR',
  'RU',
  'UA',
  'IL',
  'AE',
  'SA',
  'EG',
  'ZA',
  'NG',
  'KE',
  'IN',
  'PK',
  'BD',
  'CN',
  'HK',
  'TW',
  'JP',
  'KR',
  'SG',
  'MY',
  'ID',
  'TH',
  'VN',
  'PH',
  'AU',
  'NZ',
  'CA',
  'MX',
  'BR',
  'AR',
  'CL',
  'CO',
  'PE',
]

/** An example of the country with its last three digits changed, as international or national people write it. */
function phone(chance: Chance, half: Half): string {
  const own = countries.filter((_, index) => index % 2 === (half === 'tuning' ? 0 : 1))
  const example = getExampleNumber(chance.pick(own), examples)
  if (example === undefined) throw new TypeError('a country without an example')
  const changed = (text: string): string => text.replace(/\d(?=\D*(?:\d\D*){0,2}$)/g, () => String(chance.int(0, 9)))
  const kind = chance.int(0, 9)
  if (kind < 3) return changed(example.format('E.164'))
  if (kind < 6) return changed(example.formatInternational())
  if (kind < 7) return changed(example.formatInternational().replaceAll(' ', '-'))
  if (kind < 8)
    return chance.pick([
      `(${chance.form('!##')}) 555-01${chance.form('##')}`,
      `${chance.form('!##')}-555-01${chance.form('##')}`,
      `1-${chance.form('!##')}-555-01${chance.form('##')}`,
      `${chance.form('!##')}.555.01${chance.form('##')}`,
    ])
  return changed(example.formatNational())
}

function ssn(chance: Chance): string {
  const area = String(chance.pick([chance.int(1, 665), chance.int(667, 899)])).padStart(3, '0')
  const group = String(chance.int(1, 99)).padStart(2, '0')
  const serial = String(chance.int(1, 9999)).padStart(4, '0')
  const between = chance.pick(['-', '-', '-', ' ', '', '\u2011'])
  return [area, group, serial].join(between)
}

function card(chance: Chance): string {
  const tests = [
    '4111111111111111',
    '4242424242424242',
    '5555555555554444',
    '378282246310005',
    '6011111111111117',
    '30569309025904',
    '3530111333300000',
    '2223003122003222',
    '6200000000000005',
  ]
  const number =
    chance.int(0, 3) === 0
      ? chance.pick(tests)
      : withLuhn(
          chance.form(
            chance.pick([
              '4##############',
              '51#############',
              '55#############',
              '34############',
              '37############',
              '6011###########',
              '3528###########',
              '62#############',
              '2221###########',
              '36###########',
              '65#############',
              '4#################',
            ]),
          ),
        )
  const between = chance.pick(['', ' ', '-', '\u00a0'])
  if (number.length === 15) return [number.slice(0, 4), number.slice(4, 10), number.slice(10)].join(between)
  if (number.length === 14) return [number.slice(0, 4), number.slice(4, 10), number.slice(10)].join(between)
  return (number.match(/.{1,4}/g) ?? []).join(between)
}

/** The digits with the check digit behind them. */
export function withLuhn(digits: string): string {
  const sum = Array.from(digits)
    .reverse()
    .reduce((total, digit, index) => {
      const value = Number(digit) * (index % 2 === 0 ? 2 : 1)
      return total + (value > 9 ? value - 9 : value)
    }, 0)
  return digits + String((10 - (sum % 10)) % 10)
}

function passport(chance: Chance, half: Half): string {
  const forms = [
    '#########',
    '?########',
    '##??#####',
    '?#######',
    '??#######',
    '??######',
    '???######',
    'C01X0#T4#',
    'G########',
    'E########',
    'M########',
    '??#####',
    'T########',
    'YA#######',
    'P#######',
    'NX#####6#',
    'N#######',
    'K########',
    'XR######',
    '6########',
  ]
  if (chance.int(0, 9) === 0) return zone(chance)
  const form = chance.pick(forms.filter((_, index) => index % 2 === (half === 'tuning' ? 0 : 1)))
  return chance.form(form)
}

function zone(chance: Chance): string {
  const surname = chance.pick(['ERIKSSON', 'MUSTERMANN', 'SPECIMEN', 'SAMPLE', 'DOE'])
  const country = chance.pick(['UTO', 'D<<', 'GBR', 'USA', 'FRA'])
  const number = chance.form(chance.pick(['?########', '#########', '??######<', '??#######']))
  const birth = `${chance.form('##')}${chance.pick(['01', '07', '12'])}${chance.pick(['03', '15', '28'])}`
  const end = `${chance.int(27, 35)}${chance.pick(['02', '09', '11'])}${chance.pick(['04', '17', '26'])}`
  const rest = '<'.repeat(14)
  const checked = `${number}${digitOf(number)}${country}${birth}${digitOf(birth)}${chance.pick(['F', 'M', '<'])}${end}${digitOf(end)}${rest}0`
  const all = digitOf(checked.slice(0, 10) + checked.slice(13, 20) + checked.slice(21, 43))
  return `${`P<${country}${surname}<<ANNA<MARIA`.padEnd(44, '<')}\n${checked}${all}`
}

const digitOf = (text: string): number =>
  Array.from(text).reduce((sum, sign, at) => sum + (sign === '<' ? 0 : Number.parseInt(sign, 36)) * ([7, 3, 1][at % 3] ?? 0), 0) % 10

function ip(chance: Chance): string {
  const faker = fakerOf(chance, 'en')
  return chance.pick([
    () => `192.0.2.${chance.int(1, 254)}`,
    () => `198.51.100.${chance.int(1, 254)}`,
    () => `203.0.113.${chance.int(1, 254)}`,
    () => `10.${chance.int(0, 255)}.${chance.int(0, 255)}.${chance.int(1, 254)}`,
    () => `192.168.${chance.int(0, 255)}.${chance.int(1, 254)}`,
    () => `2001:db8::${chance.int(1, 9999).toString(16)}`,
    () => `2001:db8:${chance.int(1, 65535).toString(16)}:${chance.int(1, 65535).toString(16)}::${chance.int(1, 9)}`,
    () => `fe80::${chance.int(4096, 65535).toString(16)}:${chance.int(256, 65535).toString(16)}:12ff`,
    () => faker.internet.ipv6().replace(/^[^:]+:[^:]+/, '2001:db8'),
    () => `::ffff:192.0.2.${chance.int(1, 254)}`,
    () => `2001:DB8:0:0:8:800:200C:${chance.int(4096, 65535).toString(16).toUpperCase()}`,
  ])()
}

function iban(chance: Chance): string {
  const faker = fakerOf(chance, 'en')
  const number = faker.finance.iban({ formatted: false })
  return chance.int(0, 1) === 0 ? number : (number.match(/.{1,4}/g) ?? []).join(chance.pick([' ', ' ', '\u00a0']))
}

type Form = (faker: Faker, chance: Chance) => string
const withTown: Form = (faker) => `${faker.location.streetAddress()}, ${faker.location.zipCode()} ${faker.location.city()}`
const american: Form = (faker, chance) =>
  `${faker.location.streetAddress({ useFullAddress: chance.int(0, 2) === 0 })}, ${faker.location.city()}, ${faker.location.state({ abbreviated: true })} ${faker.location.zipCode()}`
const british: Form = (faker, chance) =>
  `${faker.location.streetAddress()}, ${faker.location.city()} ${chance.form(chance.pick(['LS# #??', 'M## #??', 'SW#? #??', 'EH## #??', 'B# #??', 'W#? #??']))}`
const streetAlone: Form = (faker) => faker.location.streetAddress()

const addresses: readonly (readonly [Locale, Form])[] = [
  ['en_US', american],
  ['en_US', american],
  ['en_GB', british],
  ['en_GB', british],
  ['en_CA', american],
  ['en_AU', american],
  ['de', withTown],
  ['de', withTown],
  ['de_AT', withTown],
  ['de_CH', withTown],
  ['fr', withTown],
  ['fr', withTown],
  ['es', withTown],
  ['es_MX', withTown],
  ['it', withTown],
  ['it', withTown],
  ['nl', withTown],
  ['nl_BE', withTown],
  ['pt_BR', withTown],
  ['pt_PT', withTown],
  ['sv', withTown],
  ['da', withTown],
  ['nb_NO', withTown],
  ['pl', withTown],
  ['ru', withTown],
  ['fr_CH', withTown],
  ['en_US', streetAlone],
  ['en_GB', streetAlone],
]

function address(chance: Chance): string {
  if (chance.int(0, 7) === 0) return chance.pick(eastern)(chance)
  const [locale, form] = chance.pick(addresses)
  return form(fakerOf(chance, locale), chance)
}

const eastern: readonly ((chance: Chance) => string)[] = [
  (chance) =>
    `東京都${chance.pick(['千代田区丸の内', '港区六本木', '新宿区西新宿', '渋谷区神南'])}${chance.int(1, 9)}-${chance.int(1, 30)}-${chance.int(1, 20)}`,
  (chance) => `〒${chance.form('###-####')} 大阪府大阪市北区梅田${chance.int(1, 4)}丁目${chance.int(1, 20)}番${chance.int(1, 9)}号`,
  (chance) =>
    `${chance.pick(['北京市朝阳区建国路', '上海市浦东新区世纪大道', '广东省深圳市南山区科技路', '浙江省杭州市西湖区文三路'])}${chance.int(1, 999)}号`,
  (chance) =>
    `${chance.pick(['서울특별시 강남구 테헤란로', '부산광역시 해운대구 센텀중앙로', '경기도 성남시 분당구 판교역로'])} ${chance.int(1, 500)}`,
]

export const values: Readonly<Record<PiiEntity, (chance: Chance, half: Half) => string>> = {
  Email: email,
  Phone: phone,
  SSN: ssn,
  Card: card,
  Passport: passport,
  IP: ip,
  IBAN: iban,
  PostalAddress: address,
}
