"""What the world `full` knows of numbers and of what comes one after the other."""

from collections.abc import Callable, Iterator
from operator import add, mul, sub

from parley.data.spoken.voice_text import cardinal
from parley.data.world.full.places import grouped, more
from parley.data.world.wordings import Domain, Fact, Wordings, keywords_of, lines, recombine

LARGEST = 20  # of what is added, subtracted and multiplied
COUNTED = 50  # up to here one knows what comes before and after
DAYS = lines("Monday; Tuesday; Wednesday; Thursday; Friday; Saturday; Sunday")
MONTHS = lines("January; February; March; April; May; June; July; August; September; October; November; December")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SPELLED = {"A": "ay"}  # a voice takes the letter for the article

PLUS = Wordings(
    questions="""
    what is {x} plus {z}; how much is {x} plus {z}; {x} plus {z}; what is the sum of {x} and {z}; {x} plus {z} is what
    how much is {x} and {z}; what do you get for {x} plus {z}; what does {x} plus {z} make
    """,
    clauses="what {x} plus {z} is; the sum of {x} and {z}; how much {x} plus {z} is",
    orders="add {x} and {z}; calculate {x} plus {z}; say what {x} plus {z} is",
)
PLUS_HELD_OUT = Wordings(
    questions="if i add {x} to {z} what do i get; how much do {x} and {z} make together",
    clauses="how much {x} and {z} are together",
    orders="work out {x} plus {z}",
)
MINUS = Wordings(
    questions="""
    what is {x} minus {z}; how much is {x} minus {z}; {x} minus {z}; what is {x} take away {z}; {x} minus {z} is what
    what is left of {x} without {z}; what do you get for {x} minus {z}; what does {x} minus {z} make
    """,
    clauses="what {x} minus {z} is; the difference of {x} and {z}; how much {x} minus {z} is",
    orders="subtract {z} from {x}; calculate {x} minus {z}; say what {x} minus {z} is",
)
MINUS_HELD_OUT = Wordings(
    questions="if i take {z} from {x} what is left; how much remains of {x} minus {z}",
    clauses="how much is left of {x} without {z}",
    orders="work out {x} minus {z}",
)
TIMES = Wordings(
    questions="""
    what is {x} times {z}; how much is {x} times {z}; {x} times {z}; what is the product of {x} and {z}; {x} times {z} is what
    how much is {x} multiplied by {z}; what do you get for {x} times {z}; what does {x} times {z} make
    """,
    clauses="what {x} times {z} is; the product of {x} and {z}; how much {x} times {z} is",
    orders="multiply {x} by {z}; calculate {x} times {z}; say what {x} times {z} is",
)
TIMES_HELD_OUT = Wordings(
    questions="if i multiply {x} with {z} what do i get; how much would {x} times {z} make",
    clauses="how much {x} multiplied by {z} makes",
    orders="work out {x} times {z}",
)
ORDER = Wordings(
    questions="""
    what {z} comes {p} {x}; which {z} comes {p} {x}; what is the {z} {p} {x}; which {z} is {p} {x}; what's the {z} right {p} {x}
    {p} {x} comes which {z}; what is the name of the {z} {p} {x}; which {z} do we have {p} {x}
    """,
    clauses="what {z} comes {p} {x}; the {z} that comes {p} {x}; which {z} is {p} {x}; the {z} {p} {x}",
    orders="name the {z} {p} {x}; say the {z} {p} {x}; give me the {z} {p} {x}; say which {z} comes {p} {x}",
)
ORDER_HELD_OUT = Wordings(
    questions="right {p} {x} which {z} is there; for {x} what would be the {z} {p} it",
    clauses="which {z} you would put {p} {x}",
    orders="find the {z} {p} {x}",
)
UNITS = """
seconds = sixty = a minute; minutes = thirty = half an hour; hours = twelve = half a day; days = thirty one = january
days = thirty one = march; days = thirty = april; days = thirty one = may; days = thirty = june; days = thirty one = july
days = thirty one = august; days = thirty = september; days = thirty one = october; days = thirty = november
days = thirty one = december; weeks = fifty two = a year; weeks = two = a fortnight; years = ten = a decade
years = one hundred = a century; years = one thousand = a millennium; meters = one thousand = a kilometer
centimeters = one hundred = a meter; millimeters = ten = a centimeter; grams = one thousand = a kilogram; feet = three = a yard
kilograms = one thousand = a ton; inches = twelve = a foot; ounces = sixteen = a pound; pints = eight = a gallon
quarts = four = a gallon; cents = twenty five = a quarter; cents = ten = a dime; cents = five = a nickel; vowels = five = the alphabet
players = five = a basketball team; players = six = a volleyball team; players = nine = a baseball team
strings = four = a violin; strings = four = a cello; squares = sixty four = a chess board; colors = seven = the rainbow
sides = four = a square; sides = five = a pentagon; sides = six = a hexagon; sides = eight = an octagon; sides = six = a cube
corners = three = a triangle; corners = four = a rectangle; corners = eight = a cube; sides = two = a coin
fingers = five = a hand; toes = five = a foot; states = fifty = the united states; stars = fifty = the american flag
continents = seven = the world; oceans = five = the world; degrees = three hundred sixty = a circle
degrees = ninety = a right angle; zeros = six = a million; zeros = three = a thousand; cards = fifty two = a deck of cards
musicians = two = a duet; musicians = four = a quartet; babies = three = a set of triplets
"""
WHEELS = """
one wheel: a unicycle, a wheelbarrow; three wheels: a tricycle; no wheels: a boat, a sled, a sailing ship
two wheels: a motorcycle, a scooter, a moped, a racing bike
four wheels: a car, a skateboard, a taxi, a shopping cart, a baby carriage, a jeep, a race car
"""
LEGS = """
eight: a scorpion, a tarantula, a tick; six: a bee, a beetle, a fly, a mosquito, a ladybug, a grasshopper, a cockroach
four: a dog, a cat, a horse, a cow, an elephant, a frog, a lizard, a mouse, a chair, a bed, a camel, a zebra, a crocodile
two: a penguin, an eagle, a person, an ostrich, a duck, a goose, a parrot; no: a snake, a fish, a snail, a shark, a whale
three: a tripod; ten: a crab
"""
ROLLS = Wordings(
    questions="""
    how many wheels does {x} have; how many wheels are on {x}; how many wheels has {x}; {x} has how many wheels
    on how many wheels does {x} roll; what number of wheels does {x} have; how many wheels do you see on {x}
    what is the number of wheels of {x}
    """,
    clauses="how many wheels {x} has; the number of wheels of {x}; how many wheels are on {x}",
    orders="count the wheels of {x}; say how many wheels {x} has; give me the number of wheels of {x}",
)
ROLLS_HELD_OUT = Wordings(
    questions="if i count the wheels of {x} how many are there; how many wheels would you find on {x}",
    clauses="on how many wheels {x} stands",
    orders="work out the number of wheels on {x}",
)


def arithmetic(name: str, sign: str, result: Callable[[int, int], int], known: Wordings, held_out: Wordings) -> Iterator[Fact]:
    """One fact for two numbers. The larger one comes first, unless the order does not matter: then it may be either."""
    either = result(1, 2) == result(2, 1)
    for large in range(LARGEST + 1):
        for small in range(large + 1):
            numbers = cardinal(large), cardinal(small)
            orders = dict.fromkeys([numbers, numbers[::-1]] if either else [numbers])
            texts = [tuple(text for x, z in orders for text in recombine(wordings, x, z)) for wordings in (known, held_out)]
            answer = cardinal(result(large, small))
            yield Fact(name, f"It is {answer}.", keywords_of(answer), *texts, about=f"{numbers[0]} {sign} {numbers[1]}")


def successive(names: tuple[str, ...], z: str, again: bool = False) -> Iterator[Fact]:
    """What comes before and after each of `names`, which are `z`s; `again`: the first one follows the last."""
    pairs = list(zip(names, names[1:])) + ([(names[-1], names[0])] if again else [])
    for name, asked in (("after", pairs), ("before", [(after, one) for one, after in pairs])):
        known, held_out = (
            Wordings(*(part.replace("{p}", name) for part in (wordings.questions, wordings.clauses, wordings.orders)))
            for wordings in (ORDER, ORDER_HELD_OUT)
        )
        for x, y in asked:
            spoken = f"the letter {SPELLED.get(x, x.lower())}" if z == "letter" else x.lower()
            texts = (recombine(wordings, spoken, z) for wordings in (known, held_out))
            answer = f"{name.capitalize()} {x} comes {y}."
            yield Fact(name, answer, tuple(y.lower().split()), *texts, about=f"the {z} {name} {x}", follow=(f"{name} {spoken}",))


DOMAINS = (
    more("units", UNITS, "the {x} in {z}", ""),
    more("legs", grouped(LEGS), "the legs of {x}"),
    Domain("wheels", grouped(WHEELS), "It has {y}.", ROLLS, ROLLS_HELD_OUT, "the wheels of {x}", "{x}"),
)


def numbers() -> Iterator[Fact]:
    yield from arithmetic("sums", "plus", add, PLUS, PLUS_HELD_OUT)
    yield from arithmetic("differences", "minus", sub, MINUS, MINUS_HELD_OUT)
    yield from arithmetic("products", "times", mul, TIMES, TIMES_HELD_OUT)
    yield from successive(tuple(cardinal(number) for number in range(COUNTED + 1)), "number")
    yield from successive(DAYS, "day", again=True)
    yield from successive(MONTHS, "month", again=True)
    yield from successive(tuple(LETTERS), "letter")
