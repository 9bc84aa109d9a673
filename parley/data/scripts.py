"""The spoken world: what can be asked, in which words, and what is answered.

A domain is a table of facts and the *cores* in which people ask for them. A core is put into carriers ("can you tell me ...") that
fit its grammar, so that few lines give many questions. `known` cores are trained on, `held_out` cores never: those are the
held-out phrasings of every evaluation.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from parley.data.phrases import SMALL_TALK, STORIES


@dataclass(frozen=True)
class Wordings:
    """Cores by their grammar; `{x}` is what the question is about and `{z}` its class ("day", "month", "number")."""

    questions: tuple[str, ...] = ()  # "what is the capital of {x}"
    clauses: tuple[str, ...] = ()  # "what the capital of {x} is"
    orders: tuple[str, ...] = ()  # "name the capital of {x}"


@dataclass(frozen=True)
class Domain:
    """Rows of `table` are `x = y` or `x = y = z`; a right answer contains the words of y."""

    name: str
    table: str
    answer: str
    known: Wordings
    held_out: Wordings


@dataclass(frozen=True)
class Fact:
    """One answer and all that asks for it. Texts have no digits and no punctuation inside questions."""

    domain: str
    answer: str
    keywords: tuple[str, ...]  # lower case; a right answer contains them all
    known: tuple[str, ...]
    held_out: tuple[str, ...]


QUESTION_CARRIERS = ("{}", "hey {}", "so {}", "okay {}", "tell me {}", "{} please", "excuse me {}", "i have a question {}")
CLAUSE_CARRIERS = (
    "can you tell me {}", "could you tell me {}", "please tell me {}", "do you know {}", "i would like to know {}", "tell me {}",
    "i want to know {}", "can you tell me {} please", "do you happen to know {}", "please say {}", "could you please say {}",
)  # fmt: skip
ORDER_CARRIERS = ("{}", "please {}", "can you {}", "could you {}", "{} please", "could you please {}", "hey {}", "i want you to {}")


DOMAINS = (
    Domain(
        "capitals",
        """France = Paris; Germany = Berlin; Spain = Madrid; Italy = Rome; England = London; Ireland = Dublin; Russia = Moscow;
        Japan = Tokyo; China = Beijing; Egypt = Cairo; Greece = Athens; Portugal = Lisbon; Norway = Oslo; Sweden = Stockholm;
        Denmark = Copenhagen; Poland = Warsaw; Hungary = Budapest; Belgium = Brussels; Cuba = Havana; Canada = Ottawa;
        Turkey = Ankara; Kenya = Nairobi; Peru = Lima; Switzerland = Bern""",
        "The capital of {x} is {y}.",
        Wordings(
            (
                "what is the capital of {x}", "what's the capital of {x}", "which city is the capital of {x}", "what is the capital city of {x}",
                "what is {x} capital city called", "{x} has which capital", "what is the name of the capital of {x}",
                "what city is the capital in {x}", "do you know the capital of {x}", "the capital of {x} is which city",
            ),
            (
                "the capital of {x}", "what the capital of {x} is", "which city is the capital of {x}", "the name of the capital of {x}",
                "the capital city of {x}", "how the capital of {x} is called",
            ),
            ("name the capital of {x}", "say the capital of {x}", "give me the capital of {x}", "name the capital city of {x}"),
        ),
        Wordings(
            ("in {x} which town is the capital", "what would you call the capital of {x}", "for {x} what is the capital"),
            ("what they call the capital of {x}",),
            ("find the capital for {x}",),
        ),
    ),
    Domain(
        "sums",
        """one plus one = two; one plus two = three; one plus three = four; one plus four = five; one plus five = six;
        two plus one = three; two plus two = four; two plus three = five; two plus four = six; two plus five = seven;
        three plus one = four; three plus two = five; three plus three = six; three plus four = seven; three plus five = eight;
        four plus one = five; four plus two = six; four plus three = seven; four plus four = eight; four plus five = nine;
        five plus one = six; five plus two = seven; five plus three = eight; five plus four = nine; five plus five = ten""",
        "That makes {y}.",
        Wordings(
            (
                "what is {x}", "how much is {x}", "what does {x} make", "what's {x}", "what is the sum of {x}", "{x} is how much",
                "{x} makes what", "what do you get for {x}", "{x} equals what",
            ),
            ("how much {x} is", "what {x} is", "the sum of {x}", "what {x} makes", "the result of {x}"),
            ("add up {x}", "calculate {x}", "work out {x}", "compute {x} for me"),
        ),
        Wordings(
            ("how many is {x}", "what would {x} give me", "what do i get when i take {x}"),
            ("what comes out of {x}",),
            ("do this sum {x}",),
        ),
    ),
    Domain(
        "opposites",
        """hot = cold; big = small; fast = slow; up = down; happy = sad; old = young; open = closed; early = late; rich = poor;
        light = dark; hard = soft; full = empty; wet = dry; strong = weak; loud = quiet; left = right; clean = dirty; long = short;
        inside = outside; good = bad; heavy = light; beautiful = ugly""",
        "The opposite is {y}.",
        Wordings(
            (
                "what is the opposite of {x}", "what's the opposite of {x}", "which word is the opposite of {x}", "what word means the opposite of {x}",
                "{x} is the opposite of what", "what is the opposite word for {x}", "what is opposite to {x}", "the opposite of {x} is what",
                "do you know the opposite of {x}",
            ),
            ("the opposite of {x}", "what the opposite of {x} is", "which word is the opposite of {x}", "a word that means the opposite of {x}"),
            ("name the opposite of {x}", "say the opposite of {x}", "give me the opposite of {x}", "give me the opposite word for {x}"),
        ),
        Wordings(
            ("for {x} what would be the opposite", "what do we call the opposite of {x}", "if it is not {x} but the opposite what is it"),
            ("how you say the opposite of {x}",),
            ("find a word opposite to {x}",),
        ),
    ),
    Domain(
        "colors",
        """the sky = blue; grass = green; snow = white; blood = red; coal = black; a banana = yellow; an elephant = gray; chocolate = brown;
        a carrot = orange; a flamingo = pink; a strawberry = red; an emerald = green; gold = yellow; a polar bear = white; a raven = black;
        a lemon = yellow""",
        "The color of {x} is {y}.",
        Wordings(
            (
                "what color is {x}", "what is the color of {x}", "which color does {x} have", "what color does {x} have", "which color is {x}",
                "what's the color of {x}", "{x} has which color", "{x} is what color", "what kind of color is {x}", "what color do you see on {x}",
            ),
            ("what color {x} is", "the color of {x}", "which color {x} has", "what the color of {x} is", "which color {x} is"),
            ("name the color of {x}", "say the color of {x}", "give me the color of {x}", "describe the color of {x}"),
        ),
        Wordings(
            ("in what color does {x} appear", "what would you say is the color of {x}", "if i look at {x} what color is it"),
            ("in which color we see {x}",),
            ("pick the right color for {x}",),
        ),
    ),
    Domain(
        "sounds",
        """a dog = woof; a cat = meow; a cow = moo; a sheep = baa; a duck = quack; a pig = oink; a horse = neigh; an owl = hoot;
        a snake = hiss; a lion = roar; a mouse = squeak; a bee = buzz""",
        "It says {y}.",
        Wordings(
            (
                "what sound does {x} make", "what does {x} say", "which sound does {x} make", "what noise does {x} make", "what is the sound of {x}",
                "how does {x} sound", "what kind of sound does {x} make", "{x} makes what sound", "what kind of noise comes from {x}",
            ),
            ("what sound {x} makes", "what {x} says", "which noise {x} makes", "how {x} sounds", "the sound of {x}", "the sound that {x} makes"),
            ("make the sound of {x}", "make a noise like {x}", "imitate the sound of {x}", "sound like {x}"),
        ),
        Wordings(
            ("what sound do you hear from {x}", "if {x} makes a noise what is it", "what would {x} sound like"),
            ("what {x} sounds like",),
            ("do the noise of {x}",),
        ),
    ),
    Domain(
        "babies",
        """dog = a puppy; cat = a kitten; cow = a calf; sheep = a lamb; horse = a foal; lion = a cub; frog = a tadpole; goose = a gosling;
        kangaroo = a joey; pig = a piglet""",
        "A baby {x} is {y}.",
        Wordings(
            (
                "what is a baby {x} called", "what do you call a baby {x}", "what is the name of a baby {x}", "which word means a baby {x}",
                "how do you call a baby {x}", "what is the word for a baby {x}", "a baby {x} is called what", "what's a baby {x}", "what do people call a baby {x}",
            ),
            ("what a baby {x} is called", "how a baby {x} is called", "the name of a baby {x}", "the word for a baby {x}", "what you call a baby {x}"),
            ("name a baby {x}", "say the word for a baby {x}", "give me the name of a baby {x}", "say how a baby {x} is called"),
        ),
        Wordings(
            ("when a {x} has a baby what is it called", "what name does a baby {x} have", "for a baby {x} which word do we use"),
            ("what they call the baby of a {x}",),
            ("find the word for a baby {x}",),
        ),
    ),
    Domain(
        "legs",
        "a spider = eight; an ant = six; a bird = two; a table = four; a worm = no; a butterfly = six; a tiger = four; a chicken = two",
        "It has {y} legs.",
        Wordings(
            (
                "how many legs does {x} have", "how many legs has {x}", "what number of legs does {x} have", "{x} has how many legs",
                "what is the number of legs of {x}", "on how many legs does {x} stand", "how many legs are there on {x}", "how many legs do you see on {x}",
            ),
            ("how many legs {x} has", "the number of legs of {x}", "how many legs {x} stands on", "what number of legs {x} has"),
            ("count the legs of {x}", "say how many legs {x} has", "give me the number of legs of {x}"),
        ),
        Wordings(
            ("if i count the legs of {x} how many are there", "how many legs would you find on {x}"),
            ("on how many legs {x} walks",),
            ("work out the number of legs on {x}",),
        ),
    ),
    Domain(
        "after",
        """Monday = Tuesday = day; Tuesday = Wednesday = day; Wednesday = Thursday = day; Thursday = Friday = day; Friday = Saturday = day;
        Saturday = Sunday = day; Sunday = Monday = day; January = February = month; February = March = month; March = April = month;
        April = May = month; May = June = month; June = July = month; July = August = month; August = September = month;
        September = October = month; October = November = month; November = December = month; December = January = month;
        one = two = number; two = three = number; three = four = number; four = five = number; five = six = number; six = seven = number;
        seven = eight = number; eight = nine = number; nine = ten = number""",
        "After that comes {y}.",
        Wordings(
            (
                "what comes after {x}", "which {z} comes after {x}", "what {z} is after {x}", "what is the {z} after {x}", "which {z} follows after {x}",
                "what comes next after {x}", "what comes right after {x}", "after {x} comes what", "after {x} which {z} is next", "what's the next {z} after {x}",
            ),
            ("what comes after {x}", "which {z} comes after {x}", "which {z} is after {x}", "the {z} after {x}", "the next {z} after {x}", "what the {z} after {x} is"),
            ("name the {z} after {x}", "say the {z} that comes after {x}", "give me the next {z} after {x}", "say what comes after {x}"),
        ),
        Wordings(
            ("what do we have straight after {x}", "when {x} is over which {z} comes after it", "which {z} do you find after {x}"),
            ("which one comes directly after {x}",),
            ("find the {z} following after {x}",),
        ),
    ),
    Domain(
        "before",
        """Monday = Sunday = day; Tuesday = Monday = day; Wednesday = Tuesday = day; Thursday = Wednesday = day; Friday = Thursday = day;
        Saturday = Friday = day; Sunday = Saturday = day; January = December = month; February = January = month; March = February = month;
        April = March = month; May = April = month; June = May = month; July = June = month; August = July = month; September = August = month;
        October = September = month; November = October = month; December = November = month; two = one = number; three = two = number;
        four = three = number; five = four = number; six = five = number; seven = six = number; eight = seven = number;
        nine = eight = number; ten = nine = number""",
        "Before that comes {y}.",
        Wordings(
            (
                "what comes before {x}", "which {z} comes before {x}", "what {z} is before {x}", "what is the {z} before {x}",
                "what comes right before {x}", "before {x} comes what", "before {x} which {z} was it", "what's the {z} before {x}", "what was just before {x}",
            ),
            ("what comes before {x}", "which {z} comes before {x}", "which {z} is before {x}", "the {z} before {x}", "what the {z} before {x} is", "the last {z} before {x}"),
            ("name the {z} before {x}", "say the {z} that comes before {x}", "give me the {z} right before {x}", "say what comes before {x}"),
        ),
        Wordings(
            ("what do we have shortly before {x}", "if {x} is here which {z} came before it", "which {z} do you find before {x}"),
            ("which one comes directly before {x}",),
            ("find the {z} going before {x}",),
        ),
    ),
    Domain(
        "records",
        """the biggest planet = Jupiter; the highest mountain = Everest; the longest river = the Nile; the biggest ocean = the Pacific;
        the fastest animal = the cheetah; the tallest animal = the giraffe; the biggest animal = the blue whale; the smallest country = the Vatican;
        the biggest country = Russia; the hottest planet = Venus; the hardest stone = the diamond; the biggest bird = the ostrich;
        the shortest month = February; the closest star = the sun""",
        "It is {y}.",
        Wordings(
            (
                "what is {x}", "which one is {x}", "what's {x}", "what is the name of {x}", "what is {x} in the world", "what do you think is {x}",
                "what is {x} of all", "how is {x} called", "do you know {x}", "what is known as {x}",
            ),
            ("what {x} is", "the name of {x}", "which one is {x}", "what {x} is called", "the name of {x} in the world"),
            ("name {x}", "say the name of {x}", "give me the name of {x}", "name {x} in the world"),
        ),
        Wordings(
            ("what do people call {x}", "of all there are which one is {x}", "if you had to choose {x} what is it"),
            ("what we call {x}",),
            ("find out {x}",),
        ),
    ),
    Domain(
        "materials",
        """bread = flour; cheese = milk; paper = wood; glass = sand; wine = grapes; ice = water; honey = nectar; a candle = wax; a tire = rubber;
        a sweater = wool""",
        "It is made from {y}.",
        Wordings(
            (
                "what is {x} made of", "what is {x} made from", "from what is {x} made", "how is {x} made", "what do you need to make {x}",
                "what do people use to make {x}", "{x} is made of what", "out of what is {x} made", "what is used to make {x}",
            ),
            ("what {x} is made of", "what {x} is made from", "how {x} is made", "what you need to make {x}", "what is used to make {x}"),
            ("say what {x} is made of", "name what {x} is made from", "explain what {x} is made of"),
        ),
        Wordings(
            ("what goes into {x} when it is made", "if i want to make {x} what do i need", "which material do they make {x} from"),
            ("from which material {x} is made",),
            ("name the thing {x} is made out of",),
        ),
    ),
    Domain(
        "languages",
        """Brazil = Portuguese; Mexico = Spanish; Austria = German; America = English; Israel = Hebrew; Finland = Finnish; Iran = Persian;
        Holland = Dutch""",
        "They speak {y} there.",
        Wordings(
            (
                "what language do they speak in {x}", "which language is spoken in {x}", "what language do people speak in {x}", "what is the language of {x}",
                "which language do you hear in {x}", "in {x} they speak which language", "what do they speak in {x}", "what is spoken in {x}", "what's the language in {x}",
            ),
            ("what language they speak in {x}", "which language is spoken in {x}", "the language of {x}", "the language that people speak in {x}"),
            ("name the language of {x}", "say which language they speak in {x}", "give me the language of {x}"),
        ),
        Wordings(
            ("if i travel to {x} which language will people speak", "in what language do people talk in {x}", "what would be the language in {x}"),
            ("how people in {x} speak and in which language",),
            ("find the language spoken around {x}",),
        ),
    ),
    Domain(
        "units",
        """minutes = sixty = an hour; hours = twenty four = a day; days = seven = a week; months = twelve = a year; cents = one hundred = a dollar;
        seasons = four = the year; letters = twenty six = the alphabet; players = eleven = a football team; eggs = twelve = a dozen;
        strings = six = a guitar; wheels = two = a bicycle; keys = eighty eight = a piano; sides = three = a triangle; planets = eight = the solar system""",
        "There are {y}.",
        Wordings(
            (
                "how many {x} are in {z}", "how many {x} does {z} have", "how many {x} are there in {z}", "what is the number of {x} in {z}",
                "{z} has how many {x}", "how many {x} make {z}", "in {z} how many {x} are there", "what number of {x} does {z} have", "how many {x} do you find in {z}",
            ),
            ("how many {x} are in {z}", "how many {x} {z} has", "the number of {x} in {z}", "how many {x} there are in {z}"),
            ("count the {x} in {z}", "say how many {x} are in {z}", "give me the number of {x} in {z}"),
        ),
        Wordings(
            ("if i count the {x} of {z} how many will i get", "how many {x} would {z} contain", "for {z} how many {x} do we need"),
            ("with how many {x} {z} comes",),
            ("work out how many {x} belong to {z}",),
        ),
    ),
    Domain(
        "tools",
        """scissors = cut paper; a hammer = hit nails; an umbrella = stay dry; a broom = sweep the floor; a spoon = eat soup; a camera = take pictures;
        a telescope = see the stars; soap = wash your hands; a towel = dry yourself; an oven = bake bread""",
        "You use it to {y}.",
        Wordings(
            (
                "what is {x} for", "what do you use {x} for", "what is {x} used for", "what do we need {x} for", "what can i do with {x}",
                "what do people do with {x}", "why do people use {x}", "what is {x} good for", "what does {x} help with",
            ),
            ("what {x} is for", "what {x} is used for", "what people do with {x}", "what i can do with {x}", "how to use {x}"),
            ("explain what {x} is for", "say what people use {x} for", "tell me the use of {x}"),
        ),
        Wordings(
            ("for which purpose would i use {x}", "why would somebody need {x}", "when i have {x} what can i use it for"),
            ("why somebody would use {x}",),
            ("describe the use of {x}",),
        ),
    ),
    Domain(
        "jobs",
        """a teacher = a school; a doctor = a hospital; a farmer = a farm; a cook = a kitchen; a judge = a court; a sailor = a ship; a miner = a mine;
        an actor = a theater; a waiter = a restaurant; a librarian = a library""",
        "In {y}.",
        Wordings(
            (
                "where does {x} work", "where do you find {x} at work", "in what place does {x} work", "where can i find {x}", "where would you meet {x}",
                "where is the work of {x}", "what is the workplace of {x}", "{x} works where", "which place does {x} work in",
            ),
            ("where {x} works", "in what place {x} works", "where to find {x}", "the place where {x} works", "the workplace of {x}"),
            ("name the place where {x} works", "say where {x} works", "name the workplace of {x}"),
        ),
        Wordings(
            ("to which place does {x} go for work", "if i look for {x} where should i go", "where is {x} working usually"),
            ("at which place {x} does the work",),
            ("describe where {x} goes to work",),
        ),
    ),
)


STORY_WORDINGS = (  # known, held out
    Wordings(
        (
            "what do you know about {x}", "what can you say about {x}", "what is interesting about {x}", "what should i know about {x}",
            "what is the story of {x}", "do you know something about {x}",
        ),
        ("something about {x}", "more about {x}", "a story about {x}", "all about {x}"),
        ("tell me about {x}", "talk about {x}", "explain {x} to me", "tell me a story about {x}", "tell me something about {x}", "give me a talk about {x}", "teach me about {x}"),
    ),
    Wordings(
        ("what have you learned about {x}", "is there something you can tell me about {x}"),
        ("what there is to know about {x}",),
        ("let me hear something about {x}",),
    ),
)


def facts() -> tuple[Fact, ...]:
    """The whole world, every fact with all of its recombined wordings."""
    return _facts()


@cache
def _facts() -> tuple[Fact, ...]:
    tables = [fact for domain in DOMAINS for fact in _domain_facts(domain)]
    small_talk = [Fact("small talk", topic.answer, tuple(topic.keywords.split()), topic.known, topic.held_out) for topic in SMALL_TALK]
    stories = [
        Fact("stories", story.answer, tuple(story.keywords.split()), *(recombine(wordings, story.topic, "") for wordings in STORY_WORDINGS))
        for story in STORIES
    ]
    return (*tables, *small_talk, *stories)


def _domain_facts(domain: Domain) -> Iterator[Fact]:
    for row in domain.table.split(";"):
        x, y, z = ([part.strip() for part in row.split("=")] + [""])[:3]
        keywords = tuple(word for word in y.lower().split() if word not in ("a", "the"))
        known, held_out = (recombine(wordings, x.lower(), z) for wordings in (domain.known, domain.held_out))
        yield Fact(domain.name, domain.answer.format(x=x, y=y, z=z), keywords, known, held_out)


def recombine(wordings: Wordings, x: str, z: str) -> tuple[str, ...]:
    """Every core in every carrier that fits its grammar, without repetitions."""
    pairs = (
        (wordings.questions, QUESTION_CARRIERS),
        (wordings.clauses, CLAUSE_CARRIERS),
        (wordings.orders, ORDER_CARRIERS),
    )
    return tuple(dict.fromkeys(carrier.format(core.format(x=x, z=z)) for cores, carriers in pairs for core in cores for carrier in carriers))


def questions() -> Iterator[dict[str, str | list[str]]]:
    """One row a question text, ready for JSON."""
    for fact in facts():
        for split, texts in (("train", fact.known), ("held_out", fact.held_out)):
            for text in texts:
                yield {"domain": fact.domain, "question": text, "answer": fact.answer, "keywords": list(fact.keywords), "split": split}


def is_question(text: str) -> bool:
    """Whether `text` alone already asks for something in this world."""
    return text in _all_questions()


@cache
def _all_questions() -> frozenset[str]:
    return frozenset(text for fact in facts() for text in (*fact.known, *fact.held_out))
