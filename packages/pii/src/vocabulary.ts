/**
 * Words that say what a number beside them is, or that it is something else, in many languages.
 *
 * A word is looked up without accents and case. Scripts without spaces between words are looked up by two letters that
 * stand side by side.
 */

/** What a word says, as bits. */
export const says = {
  phone: 1 << 0,
  ssn: 1 << 1,
  card: 1 << 2,
  passport: 1 << 3,
  ip: 1 << 4,
  iban: 1 << 5,
  /** A number of something that is no person: an order, a part, an article. */
  thing: 1 << 6,
  version: 1 << 7,
  /** Kind of street that follows its name: High Street. */
  streetAfter: 1 << 8,
  /** Kind of street that comes before its name: rue de la Paix. */
  streetBefore: 1 << 9,
  /** A name that contains its kind of street: Hauptstraße. */
  streetWithin: 1 << 10,
  /** Flat, suite, floor. */
  unit: 1 << 11,
  /** Small words inside names: de, la, van. */
  particle: 1 << 12,
  /** Abbreviation of a state or province. */
  state: 1 << 13,
  /** North, SW. */
  direction: 1 << 14,
  /** Says that an address follows. */
  address: 1 << 15,
  month: 1 << 16,
  country: 1 << 17,
  /** Words before a year: in, since. */
  beforeYear: 1 << 18,
  /** Like {@link streetWithin}, of endings that other words have too. */
  perhapsStreet: 1 << 19,
  /** Post office box. */
  box: 1 << 20,
  /** Like {@link streetAfter}, of words that mean other things more often. */
  perhapsStreetAfter: 1 << 21,
} as const

type Meaning = keyof typeof says

const words: Readonly<Partial<Record<Meaning, string>>> = {
  phone: `phone phones telephone tel telefon telefono telefone telephon fon ph mobile mob mobil movil movel cell cellphone cellular celular
    cellulare handy portable fax faks call calling dial ring reach text texted sms whatsapp wa signal telegram viber contact hotline helpline
    landline voicemail callback phonenumber phone_number mobilenumber telefonnummer handynummer mobilnummer rufnummer telefoonnummer
    telefoon gsm puhelin puhelinnumero puh telefonszam numero-tel appelez appeler joindre llamar llame llamame ligar ligue chiamare
    chiama chiamami anrufen ruf erreichbar bel bellen ring zadzwon telefonu komorka telefonni mobilni telefonnr tlf tlfn tfn mobiltelefon
    cep hattı ara телефон тел моб мобильный звоните позвоните звони телефону τηλεφωνο τηλ κινητο هاتف جوال موبايل اتصل טלפון נייד
    फोन मोबाइल โทร điện thoại telepon hp`,
  ssn: `ssn ssns ssa socialsecurity social_security socialsecuritynumber ss ss# itin taxpayer social security tin`,
  card: `card cards visa mastercard amex creditcard credit_card credit debit cardnumber card_number pan karte kreditkarte kreditkartennummer
    carte bancaire tarjeta carta cartao kaart creditcard karta kort kortnummer карта карты`,
  passport: `passport passports passportno passportnumber passport_number passport_no reisepass reisepassnummer passnummer passnr pass
    passeport pasaporte passaporto passaporte paspoort paspoortnummer pas paszport paszportu pasport pas passi passinumero utlevel
    utlevelszam pasaport pasaportu passet pass-nr pase cestovni pas pasu паспорт паспорта паспорту паспортом загранпаспорт διαβατηριο
    διαβατηριου جواز דרכון पासपोर्ट หนังสือเดินทาง paspor hochieu`,
  ip: `ip ipv4 ipv6 address addr host server client remote from adresse direccion ips gateway dns ping login src dst source destination peer
    subnet network`,
  iban: `iban konto kontonummer account compte cuenta conto conta rekening rekeningnummer bank`,
  thing: `order orders invoice tracking parcel shipment isbn issn upc ean gtin sku part partno ticket case serial model article item product
    bestellung bestellnummer rechnung rechnungsnummer artikelnummer sendung sendungsnummer commande facture colis pedido factura
    ordine fattura encomenda fatura reference ref refnr transaction txn batch lot build commit revision rev id uuid guid hash checksum
    timestamp epoch unix port pid zip population width height pixel pixels seed steps step bytes tokens token row rows line
    lines page pages chapter section doi pmid patent barcode meter asin vin imei zeitstempel заказ заказа счет артикул flight vol
    confirmation reservation booking fee visa-fee application error code errno status score total price amount coordinates lat lon latitude
    longitude gps version sequence bestelling zamowienie ordernummer factuur lotnr tail registration case_id request_id trace_id order_id
    dewey policy rfc iso din sample count number-of range room locker`,
  version: `version versions ver v release released firmware driver build kernel upgrade upgraded update patch changelog semver chrome
    firefox safari edge assembly assemblyversion fileversion oid section chapter clause paragraph figure table sdk dll nuget revision
    versao versione versie wersja версия версии kapitel abschnitt`,
  streetAfter: `street st avenue ave av road rd boulevard blvd lane ln drive dr court ct place pl way terrace terr ter close crescent cres
    square sq parkway pkwy highway hwy circle cir trail trl row mews grove gardens hill plaza loop alley walk quay wharf gate path
    pike turnpike broadway rise mount expressway freeway view vista park green cove run bend crossing ridge point parade esplanade
    nagar marg salai layout colony chowk bagh sector`,
  perhapsStreetAfter: `key keys fall falls harbor harbors harbour pass common commons approach village villages land crest island islands lake lakes meadow meadows
    spring springs rapid rapids trafficway throughway motorway skyway bypass causeway brook brooks canyon cliff cliffs corner corners
    creek dale dam divide estate estates extension ferry field fields flat flats ford forest forge fork forks fort freeway garden glen
    greens groves haven heights hills hollow inlet isle junction knoll knolls landing light loaf lock lodge mall manor mill mills mission mountain
    neck oval orchard overpass parkways passage pine pines plain plains port prairie radial ranch rest ridges river roads shoal shoal shore shores
    spur squares station stream summit trace track tunnel underpass union unions valley via viaduct walks wall ways well wells street-n parks points
    copse lea fold mead garth chase end dell wood woods gardens croft brow bank wynd drove grange yard views manors mountains stravenue extensions courts
    bottom branch bridge burg burgs camp cape center centers centre circles club coves curve drives`,
  streetBefore: `rue avenue av ave boulevard bd bld place chemin allee impasse quai route cours passage square faubourg
    calle avenida avda avd paseo plaza carrer camino carretera ronda travesia glorieta callejon calzada cra carrera via viale piazza
    piazzale corso largo vicolo strada contrada lungomare rua travessa praca estrada alameda rodovia avinguda ulica ul al aleja aleje os
    osiedle plac pl улица ул проспект пр просп переулок пер набережная наб площадь пл шоссе бульвар ал аллея проезд тупик вулиця вул blvd boul voie villa hameau sentier montee esplanade promenade droga skwer rondo urbanizacion partida privada callejon prolongacion rincon ramal residencial bulw wyb rynek park wyspa szosa parque solar strasse strase
    strada bulevardul calea soseaua jalan jl ulitsa prospekt οδος λεωφορος شارع rehov`,
  unit: `apt apartment suite ste unit flat floor fl room rm bldg building block level lot shop office piso planta puerta bajo esc
    apto apartado interior int appt appartement bat batiment etage scala interno bloco andar kv кв корп корпус дом д стр офис m lok
    mieszkanie top stiege og eg wohnung bus`,
  particle: `de la le les du des d da do dos das del della delle dei degli di el los las y e of the and van von der den dem ten ter het op aan zum
    zur am an im auf in saint sainte san santa santo sao st old new great upper lower ul der i na
    over under upon by sur sous lez qui nossa senhora on next vers`,
  state: `al ak az ar ca co ct de fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny nc nd oh ok or pa ri sc sd tn tx ut
    vt va wa wv wi wy dc pr on qc bc ab mb sk ns nb nl pe yt nt nu nsw vic qld sa tas act`,
  direction: `n s e w ne nw se sw north south east west northeast northwest southeast southwest`,
  address: `street address adresse direccion indirizzo endereco adres adress adresse osoite cim adresa anschrift wohnhaft wohne wohnt live lives living office branch
    ship shipped shipping deliver delivered delivery send mail located location residence residing reside resides moved home house meet visit lieferadresse
    lieferung livraison domicile habite domicilio vivo vive resido abito residente moro mora reside woon woont mieszkam mieszka bor bosatt
    asun адрес живу живет проживает доставка`,
  month: `january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec
    januar februar marz juni juli oktober dezember janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre`,
  country: `usa us uk gb germany deutschland france espana spain italia italy portugal nederland netherlands belgium belgique schweiz switzerland
    osterreich austria poland polska canada australia ireland india sverige sweden norge norway danmark denmark suomi finland brasil
    brazil mexico japan china russia россия kingdom states united zealand singapore`,
  box: `box postfach postbus postboks boks skrytka`,
  beforeYear: `in since by of after before during until from around year late early mid for through between and to fiscal`,
}

/** Two letters side by side in scripts that write no spaces. */
const pairs: Readonly<Partial<Record<Meaning, string>>> = {
  phone: '电话 電話 手机 手機 携帯 전화 연락 휴대 传真 致电 联系 핸드 座机 拨打',
  passport: '护照 護照 旅券 여권 スポ',
  card: '信用 银行 卡号 カー 카드',
  thing: '订单 訂單 注文 주문 编号 快递 运单 송장',
  address: '地址 住址 住所 주소 住在 寄到 送到',
}

/** Every word and pair with what it says. */
export function vocabulary(): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const [meaning, bit] of Object.entries(says) as [Meaning, number][]) {
    const all = [...(words[meaning] ?? '').split(/\s+/), ...(pairs[meaning] ?? '').split(' ')]
    for (const word of all) if (word !== '') found.set(word, (found.get(word) ?? 0) | bit)
  }
  return found
}

/** Ends of names that contain their kind of street, without accents. */
export const streetEnds = 'strasse strase str straat laan plein gracht gasse gatan gata vagen vegen veien katu allee chaussee'.split(' ')
/** Such ends that other words have too. */
export const perhapsStreetEnds =
  'platz weg ufer damm ring kade dijk singel steeg steig stieg graben markt vag vej vei gade alle kuja tie straede torv plads berg hof wall'.split(
    ' ',
  )
