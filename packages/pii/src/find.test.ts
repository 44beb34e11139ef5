import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findPii } from './find.ts'

/** What is found, as `Entity:text`. */
const seen = (text: string): string[] => findPii(text).map(({ entity, start, end }) => `${entity}:${text.slice(start, end)}`)

const cases: Readonly<Record<string, readonly [text: string, ...want: string[]]>> = {
  'an address and two telephone numbers': [
    'mail jane.doe@example.com, call +49 30 901820 or (202) 555-0143.',
    'Email:jane.doe@example.com',
    'Phone:+49 30 901820',
    'Phone:(202) 555-0143',
  ],
  'a card and a social security number': [
    'card 4111 1111 1111 1111 exp 12/30, ssn 123-45-6789',
    'Card:4111 1111 1111 1111',
    'SSN:123-45-6789',
  ],
  'a card with a wrong check digit': ['card 4111 1111 1111 1112'],
  'an account number in groups': ['IBAN DE89 3704 0044 0532 0130 00', 'IBAN:DE89 3704 0044 0532 0130 00'],
  'an account number with a wrong check': ['IBAN DE88 3704 0044 0532 0130 00'],
  'addresses of machines, and a version': ['from 203.0.113.7 and 2001:db8::1, v1.2.3.4', 'IP:203.0.113.7', 'IP:2001:db8::1'],
  'loopback and masks name no machine': ['127.0.0.1 0.0.0.0 255.255.255.0 ::1'],
  'code with double colons': ['std::vector a::b x[1::2] 12:34:56 aa:bb:cc:dd:ee:ff'],
  'places of files that look like mail': ['git@github.com:foo/bar.git icon@2x.png lodash@4.17.21 https://user:secret@example.com/'],
  'a passport beside its word, an order beside its own': ['passport no. C01X00T47, order 123-45-6789', 'Passport:C01X00T47'],
  'the zone that machines read': [
    'P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10',
    'Passport:P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10',
  ],
  'national telephone numbers': [
    '06 12 34 56 78; 020 7946 0958; 电话13800138000; 2024-01-31 10:30',
    'Phone:06 12 34 56 78',
    'Phone:020 7946 0958',
    'Phone:13800138000',
  ],
  'full-width digits': ['４１１１　１１１１　１１１１　１１１１', 'Card:４１１１　１１１１　１１１１　１１１１'],
  'characters without width inside': ['4111\u200b1111\u00ad1111\u20601111', 'Card:4111\u200b1111\u00ad1111\u20601111'],
  'no-break spaces and dashes of print': [
    '4111\u00a01111\u00a01111\u00a01111 or 123\u201145\u20116789',
    'Card:4111\u00a01111\u00a01111\u00a01111',
    'SSN:123\u201145\u20116789',
  ],
  'mathematical digits, two units each': ['ssn 𝟏𝟐𝟑-𝟒𝟓-𝟔𝟕𝟖𝟗!', 'SSN:𝟏𝟐𝟑-𝟒𝟓-𝟔𝟕𝟖𝟗'],
  'Cyrillic letters that look Latin': ['DЕ89370400440532013000', 'IBAN:DЕ89370400440532013000'],
  'escapes of JSON': ['{"a":"tel\\n+4930901820 jane\\u0040example.com"}', 'Phone:+4930901820', 'Email:jane\\u0040example.com'],
}

const addresses: Readonly<Record<string, readonly string[]>> = {
  'the United States': [
    '12 Main Street, Springfield, IL 62704',
    '350 Fifth Avenue, New York, NY 10118, USA',
    '221B Baker St',
    'P.O. Box 1234, Austin, TX 78701',
  ],
  'Britain, Canada, Australia': [
    '10 Downing Street, London SW1A 2AA',
    '123 Queen St W, Unit 4, Toronto, ON M5H 2M9',
    '48 Collins St, Melbourne VIC 3000',
  ],
  France: ['12 rue de la Paix, 75002 Paris'],
  'Spain, Italy, Portugal': ['Calle Mayor 12, 28013 Madrid', 'Via Roma 12, 00184 Roma', 'Rua Augusta 1234, 01304-001 São Paulo'],
  Germany: ['Hauptstraße 5, 10115 Berlin', 'Karl-Marx-Allee 3', 'Berliner Str. 5', 'Unter den Linden 77, 10117 Berlin'],
  'the Netherlands, Sweden, Poland': [
    'Keizersgracht 123, 1015 CJ Amsterdam',
    'Storgatan 12, 114 55 Stockholm',
    'ul. Marszałkowska 12/3, 00-590 Warszawa',
  ],
  Russia: ['ул. Ленина, д. 5, кв. 12, Москва, 101000'],
  'East Asia': ['東京都千代田区丸の内1-1-1', '北京市朝阳区建国路88号', '서울특별시 강남구 테헤란로 123'],
}
for (const [country, all] of Object.entries(addresses))
  test(`finds addresses of ${country}`, () => {
    for (const address of all) assert.deepEqual(seen(address), [`PostalAddress:${address}`])
  })

test('sentences about streets are no addresses', () => {
  assert.deepEqual(seen('In 2008 Wall Street crashed. I ran 5 miles down the street, via Python 3. On May 5, 2024 we met.'), [])
})

for (const [name, [text, ...want]] of Object.entries(cases)) test(`finds ${name}`, () => assert.deepEqual(seen(text), want))

test('reports only the kinds that are asked for', () => {
  const text = 'jane@example.com 203.0.113.7'
  assert.deepEqual(
    findPii(text, ['IP']).map(({ entity }) => entity),
    ['IP'],
  )
})

test('finds nothing in nothing', () => assert.deepEqual(findPii(''), []))
