"""The countries of the world `full`: capitals, continents, languages, currencies.

Left out is what has no single answer: countries on two continents, with many languages, or with a capital that is disputed.
"""

from collections import Counter
from dataclasses import replace

from parley.data.world.first.domains import DOMAINS
from parley.data.world.wordings import Domain, Wordings, lines

FIRST = {domain.name: domain for domain in DOMAINS}

CAPITALS = """
the United Kingdom = London; the United States = Washington; Argentina = Buenos Aires; Australia = Canberra; Brazil = Brasilia
India = New Delhi; Indonesia = Jakarta; Mexico = Mexico City; Saudi Arabia = Riyadh; South Africa = Pretoria; South Korea = Seoul
Austria = Vienna; Bulgaria = Sofia; Croatia = Zagreb; Cyprus = Nicosia; the Czech Republic = Prague; Estonia = Tallinn
Finland = Helsinki; Latvia = Riga; Lithuania = Vilnius; Luxembourg = Luxembourg; Malta = Valletta; the Netherlands = Amsterdam
Romania = Bucharest; Slovakia = Bratislava; Slovenia = Ljubljana; Scotland = Edinburgh; Wales = Cardiff; Iceland = Reykjavik
Serbia = Belgrade; Albania = Tirana; Ukraine = Kyiv; Belarus = Minsk; Georgia = Tbilisi; Armenia = Yerevan; Iran = Tehran
Iraq = Baghdad; Syria = Damascus; Lebanon = Beirut; Jordan = Amman; Qatar = Doha; Oman = Muscat; Afghanistan = Kabul
Pakistan = Islamabad; Nepal = Kathmandu; Bangladesh = Dhaka; Thailand = Bangkok; Vietnam = Hanoi; Malaysia = Kuala Lumpur
Singapore = Singapore; the Philippines = Manila; North Korea = Pyongyang; Mongolia = Ulaanbaatar; New Zealand = Wellington
Morocco = Rabat; Algeria = Algiers; Tunisia = Tunis; Libya = Tripoli; Sudan = Khartoum; Ethiopia = Addis Ababa; Somalia = Mogadishu
Uganda = Kampala; Rwanda = Kigali; Ghana = Accra; Nigeria = Abuja; Senegal = Dakar; Angola = Luanda; Zimbabwe = Harare
Namibia = Windhoek; Chile = Santiago; Uruguay = Montevideo; Paraguay = Asuncion; Colombia = Bogota; Venezuela = Caracas
Ecuador = Quito; Panama = Panama City; Costa Rica = San Jose; Guatemala = Guatemala City; Nicaragua = Managua; Jamaica = Kingston
the Bahamas = Nassau
"""

CONTINENTS = """
Europe: France, Germany, Spain, Italy, England, Ireland, Greece, Portugal, Norway, Sweden, Denmark, Poland, Hungary, Belgium
Europe: Switzerland, Austria, Bulgaria, Croatia, Finland, Latvia, Lithuania, Estonia, Malta, Romania, Slovakia, Slovenia, Scotland
Europe: Wales, Iceland, Serbia, Albania, Ukraine, Luxembourg
Asia: Japan, China, India, South Korea, Saudi Arabia, Iran, Iraq, Syria, Jordan, Pakistan, Nepal, Bangladesh, Thailand, Vietnam
Asia: Malaysia, Singapore, Mongolia, Afghanistan, Lebanon
Africa: Egypt, Kenya, South Africa, Morocco, Algeria, Tunisia, Libya, Sudan, Ethiopia, Somalia, Uganda, Rwanda, Ghana, Nigeria
Africa: Senegal, Angola, Zimbabwe, Namibia
North America: Canada, Mexico, Cuba, Jamaica, Panama, Guatemala
South America: Brazil, Argentina, Peru, Chile, Uruguay, Paraguay, Colombia, Venezuela, Ecuador
"""

LANGUAGES = """
Spanish: Spain, Argentina, Chile, Colombia, Venezuela, Uruguay, Cuba, Panama, Guatemala, Costa Rica, Nicaragua
German: Germany; French: France; Italian: Italy; Portuguese: Portugal, Angola; English: England, Australia, Jamaica
Arabic: Egypt, Saudi Arabia, Jordan, Syria, Lebanon, Libya, Tunisia, Qatar; Greek: Greece; Turkish: Turkey; Russian: Russia
Polish: Poland; Swedish: Sweden; Norwegian: Norway; Danish: Denmark; Icelandic: Iceland; Hungarian: Hungary
Czech: the Czech Republic; Slovak: Slovakia; Slovenian: Slovenia; Croatian: Croatia; Serbian: Serbia; Bulgarian: Bulgaria
Romanian: Romania; Albanian: Albania; Lithuanian: Lithuania; Latvian: Latvia; Estonian: Estonia; Ukrainian: Ukraine
Armenian: Armenia; Georgian: Georgia; Mongolian: Mongolia; Japanese: Japan; Chinese: China; Korean: South Korea, North Korea
Thai: Thailand; Vietnamese: Vietnam; Nepali: Nepal; Indonesian: Indonesia; Malay: Malaysia; Bengali: Bangladesh; Dutch: the Netherlands
"""

CURRENCIES = """
euros: France, Germany, Spain, Italy, Ireland, Greece, Portugal, Austria, Finland, Belgium; yen: Japan; pounds: England, Egypt
dollars: America, Canada, Australia, New Zealand, Singapore; rupees: India, Nepal, Pakistan; rubles: Russia; francs: Switzerland
kronor: Sweden; crowns: the Czech Republic; kroner: Norway, Denmark; zlotys: Poland; forints: Hungary; lira: Turkey
pesos: Mexico, Argentina, Chile, Colombia, Cuba; reais: Brazil; baht: Thailand; yuan: China; dong: Vietnam; rand: South Africa
won: South Korea; shillings: Kenya; rials: Iran; dinars: Iraq, Jordan, Algeria, Serbia; hryvnias: Ukraine
"""

COUNTRIES = Wordings(
    questions="""
    {x} is the capital of which country; which country has the capital {x}; of which country is {x} the capital
    what country is {x} the capital of; what country has {x} as its capital; in which country is the city of {x}
    which country does {x} belong to; {x} is the capital of what
    """,
    clauses="of which country {x} is the capital; which country has the capital {x}; what country {x} is the capital of",
    orders="name the country with the capital {x}; say which country has the capital {x}; name the country of {x}",
)
COUNTRIES_HELD_OUT = Wordings(
    questions="if i am in the capital {x} in which country am i; to what country does the capital {x} belong",
    clauses="what country i have to visit to see {x}",
    orders="find the country whose capital is {x}",
)
ON_CONTINENT = Wordings(
    questions="""
    on which continent is {x}; what continent is {x} on; which continent is {x} on; what is the continent of {x}
    {x} is on which continent; on what continent can i find {x}; {x} belongs to which continent; to which continent does {x} belong
    """,
    clauses="on which continent {x} is; the continent of {x}; what continent {x} is on; which continent {x} belongs to",
    orders="name the continent of {x}; say on which continent {x} is; give me the continent of {x}",
)
ON_CONTINENT_HELD_OUT = Wordings(
    questions="on which of the continents would i look for {x}; if i fly to {x} on what continent do i land",
    clauses="where {x} is and on what continent",
    orders="find the continent around {x}",
)
PAID = Wordings(
    questions="""
    what is the currency of {x}; which currency do they use in {x}; what currency is used in {x}; what do people pay with in {x}
    with what money do they pay in {x}; what is the money of {x} called; what money do they use in {x}; what's the currency in {x}
    """,
    clauses="the currency of {x}; what currency {x} has; what people pay with in {x}; what the money in {x} is called",
    orders="name the currency of {x}; say what people pay with in {x}; give me the currency of {x}; name the money of {x}",
)
PAID_HELD_OUT = Wordings(
    questions="which money do i need in {x}; if i buy something in {x} what do i pay with",
    clauses="what sort of money i need for {x}",
    orders="find the kind of money in {x}",
)


def grouped(text: str) -> str:
    """`y: x, x` -> rows `x = y`."""
    groups = (line.split(":") for line in lines(text))
    return "\n".join(f"{x.strip()} = {y.strip()}" for y, xs in groups for x in xs.split(","))


def turned(table: str) -> str:
    """`x = y` -> `y = x`, where that has one answer and is not its own."""
    pairs = [tuple(part.strip() for part in row.split("=")) for row in lines(table)]
    capitals = Counter(y for _, y in pairs)
    return "\n".join(f"{y} = {x}" for x, y in pairs if capitals[y] == 1 and x != y)


def more(name: str, table: str, about: str, follow: str = "{x}") -> Domain:
    """A domain of the world `first` with more rows."""
    return replace(FIRST[name], table=f"{FIRST[name].table}\n{table}", about=about, follow=follow)


PLACES = (
    more("capitals", CAPITALS, "the capital of {x}", "of {x}; {x}"),
    Domain(
        name="countries",
        table=turned(f"{FIRST['capitals'].table}\n{CAPITALS}"),
        answer="{x} is the capital of {y}.",
        known=COUNTRIES,
        held_out=COUNTRIES_HELD_OUT,
        about="the country of {x}",
        follow="{x}",
    ),
    Domain(
        "continents", grouped(CONTINENTS), "{x} is in {y}.", ON_CONTINENT, ON_CONTINENT_HELD_OUT, "the continent of {x}", "{x}; of {x}"
    ),
    more("languages", grouped(LANGUAGES), "the language of {x}", "in {x}; {x}"),
    Domain("currencies", grouped(CURRENCIES), "They pay with {y}.", PAID, PAID_HELD_OUT, "the currency of {x}", "in {x}; {x}"),
)
