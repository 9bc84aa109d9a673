"""Words, animals and things of the world `full`: most domains of the world `first` with more rows, and new ones."""

from parley.data.world.full.places import grouped, more
from parley.data.world.wordings import Domain, Wordings

OPPOSITES = """
cold = hot; small = big; slow = fast; down = up; sad = happy; young = old; closed = open; late = early; poor = rich; dark = light
soft = hard; empty = full; dry = wet; weak = strong; quiet = loud; right = left; dirty = clean; short = long; outside = inside
bad = good; ugly = beautiful; tall = short; wide = narrow; narrow = wide; deep = shallow; shallow = deep; thick = thin; thin = thick
high = low; low = high; near = far; far = near; day = night; night = day; black = white; white = black; yes = no; true = false
false = true; win = lose; lose = win; buy = sell; sell = buy; start = stop; love = hate; hate = love; push = pull; pull = push
give = take; take = give; come = go; remember = forget; forget = remember; laugh = cry; sharp = dull; easy = difficult
difficult = easy; expensive = cheap; cheap = expensive; brave = cowardly; polite = rude; rude = polite; safe = dangerous
dangerous = safe; awake = asleep; asleep = awake; alive = dead; dead = alive; always = never; never = always
everything = nothing; first = last; last = first; north = south; south = north; east = west; west = east; above = below
below = above; before = after; after = before; friend = enemy; enemy = friend; war = peace; peace = war; summer = winter
winter = summer; smooth = rough; rough = smooth; simple = complicated; public = private; private = public; guilty = innocent
innocent = guilty; maximum = minimum; minimum = maximum; arrive = leave; borrow = lend; lend = borrow; float = sink; sink = float
freeze = melt; melt = freeze; add = subtract; multiply = divide; positive = negative; negative = positive; entrance = exit
exit = entrance; victory = defeat; ancient = modern; modern = ancient; bitter = sweet; tight = loose; loose = tight
fresh = stale; rare = common; common = rare; wild = tame; male = female; female = male; horizontal = vertical; vertical = horizontal
"""

COLORS = """
red: a tomato, a fire truck, a ladybug, a cherry, a ruby, a stop sign; white: milk, salt, a swan, chalk, cotton, a wedding dress
black: a crow, tar, a tire, the night sky, a panther; green: a frog, a cucumber, spinach, a lime, broccoli, moss, a crocodile
blue: a sapphire, a blueberry, the ocean; yellow: a school bus, the sun, corn, butter, a canary, mustard, a chick
orange: a pumpkin, an orange, a basketball, an apricot; purple: an eggplant, lavender, an amethyst, a plum, a violet
brown: coffee, wood, a bear, a walnut; pink: a pig, bubble gum; gray: a mouse, ash, a dolphin, concrete, a rhino
"""

SOUNDS = """
a rooster = cock a doodle doo; a hen = cluck; a frog = ribbit; a crow = caw; a raven = caw; a wolf = howl; a donkey = hee haw
a turkey = gobble; a dove = coo; a pigeon = coo; a chick = cheep; a small bird = tweet; a cuckoo = cuckoo; a tiger = roar
a bear = growl; a goose = honk; a cricket = chirp; a kitten = meow; a calf = moo; a lamb = baa; a fly = buzz; a mosquito = buzz
a clock = tick tock; a bell = ding dong; a steam train = choo choo; a car horn = beep; a puppy = woof; a piglet = oink
"""

BABIES = """
duck = a duckling; chicken = a chick; goat = a kid; bear = a cub; deer = a fawn; wolf = a pup; tiger = a cub; swan = a cygnet
owl = an owlet; elephant = a calf; whale = a calf; eagle = an eaglet; seal = a pup; giraffe = a calf; donkey = a foal
zebra = a foal; butterfly = a caterpillar; spider = a spiderling; fish = a fry; panda = a cub; camel = a calf; otter = a pup
leopard = a cub; hare = a leveret; moose = a calf; dolphin = a calf
"""

RECORDS = """
the smallest planet = Mercury; the largest continent = Asia; the smallest continent = Australia; the coldest continent = Antarctica
the largest hot desert = the Sahara; the deepest ocean = the Pacific; the smallest ocean = the Arctic; the deepest lake = Lake Baikal
the largest island = Greenland; the highest waterfall = Angel Falls; the longest wall = the Great Wall of China
the largest rain forest = the Amazon; the fastest bird = the falcon; the smallest bird = the hummingbird
the largest fish = the whale shark; the largest land animal = the elephant; the biggest cat = the tiger; the tallest tree = the redwood
the longest snake = the python; the lightest gas = hydrogen; the longest bone = the thigh bone; the largest organ = the skin
the longest mountain range on land = the Andes; the biggest monkey = the mandrill; the tallest grass = bamboo
the largest lizard = the Komodo dragon; the most common gas in the air = nitrogen; the red planet = Mars
the slowest mammal = the sloth; the largest coral reef = the Great Barrier Reef
"""

LANDMARKS = """
the first month of the year = January; the last month of the year = December; the closest planet to the sun = Mercury
the farthest planet from the sun = Neptune; the largest state in america = Alaska; the smallest state in america = Rhode Island
the largest city in australia = Sydney; the largest city in canada = Toronto; the largest city in turkey = Istanbul
the largest city in america = New York; the largest moon of saturn = Titan; the largest moon of jupiter = Ganymede
the brightest star in the night sky = Sirius; the highest mountain in africa = Kilimanjaro; the highest mountain in japan = Mount Fuji
the highest mountain in the alps = Mont Blanc; the longest river in europe = the Volga; the longest river in america = the Missouri
the largest country in africa = Algeria; the largest country in south america = Brazil; the famous tower in paris = the Eiffel Tower
the big clock in london = Big Ben; the leaning tower in italy = the Tower of Pisa; the river in london = the Thames
the river in paris = the Seine; the river in vienna = the Danube; the river in rome = the Tiber; the river in cairo = the Nile
the ocean between europe and america = the Atlantic; the sea between europe and africa = the Mediterranean
the mountains between france and spain = the Pyrenees; the galaxy that we live in = the Milky Way; the planet that we live on = Earth
the language of ancient rome = Latin; the day after the weekend = Monday
"""

MATERIALS = """
butter = cream; tofu = soy beans; chocolate = cocoa beans; popcorn = corn; flour = wheat; ketchup = tomatoes; a french fry = potatoes
orange juice = oranges; an omelet = eggs; steel = iron; a brick = clay; a window = glass; denim = cotton; a coin = metal
a boot = leather; a snowman = snow; a sand castle = sand; jam = fruit; peanut butter = peanuts; beer = barley; yogurt = milk
sushi = rice; pasta = flour; marzipan = almonds; guacamole = avocados; hummus = chickpeas; maple syrup = sap; leather = skin
a nail = iron; a pancake = flour; a raisin = grapes; cider = apples; a pencil = wood; lemonade = lemons; a tortilla = corn
"""

TOOLS = """
a knife = cut food; a key = open doors; a clock = tell the time; a pen = write letters; a phone = call people; a bed = sleep well
a lamp = light the room; a fridge = keep food cold; a ladder = climb up; a shovel = dig holes; a saw = cut wood; a needle = sew clothes
a comb = comb your hair; a toothbrush = brush your teeth; a pillow = rest your head; a mirror = see yourself; a map = find your way
a compass = find north; a microscope = see tiny things; a thermometer = measure temperature; a scale = measure weight
a ruler = measure length; a calculator = do math; a trumpet = make music; a boat = cross the water; a washing machine = wash clothes
a rake = collect leaves; a fork = eat noodles; a cup = drink tea; a bucket = carry water; a helmet = protect your head
a match = light a fire; a vacuum cleaner = clean the floor; an axe = chop wood; a paint brush = paint walls; a wallet = keep money
a suitcase = pack clothes; a stove = cook meals; a fan = cool the air; an eraser = remove pencil marks; a net = catch fish
"""

JOBS = """
a nurse = a hospital; a pilot = a plane; a baker = a bakery; a priest = a church; a scientist = a laboratory; a mechanic = a garage
a professor = a university; a secretary = an office; a firefighter = a fire station; a police officer = a police station
a clown = a circus; a gardener = a garden; a zookeeper = a zoo; a cashier = a supermarket; a banker = a bank; a barber = a barber shop
a painter = a studio; a violinist = an orchestra; an astronaut = a space station; a bus driver = a bus; a carpenter = a workshop
a monk = a monastery; a postman = a post office; a pharmacist = a pharmacy; a florist = a flower shop; a bartender = a bar
a porter = a hotel; a surgeon = an operating room; a train driver = a train; a factory worker = a factory
"""

HOMES = """
a bee = a hive; a bird = a nest; a spider = a web; a fish = the water; a rabbit = a burrow; a horse = a stable; a pig = a sty
an ant = an anthill; a cow = a barn; a snail = a shell; a beaver = a lodge; a chicken = a coop; a mole = a tunnel; a bat = a cave
a whale = the ocean; a camel = the desert; a penguin = Antarctica; a kangaroo = Australia; a panda = China; a polar bear = the Arctic
a shark = the ocean; a fox = a den; a worm = the soil; a monkey = the jungle; a koala = Australia; a lion = Africa; a zebra = Africa
a queen = a palace; a hermit crab = a shell; a squirrel = a tree
"""

PLURALS = """
child = children; mouse = mice; man = men; woman = women; tooth = teeth; foot = feet; goose = geese; ox = oxen; leaf = leaves
knife = knives; wolf = wolves; life = lives; wife = wives; city = cities; baby = babies; box = boxes; bus = buses; fish = fish
sheep = sheep; deer = deer; person = people; potato = potatoes; tomato = tomatoes; hero = heroes; fly = flies; loaf = loaves
shelf = shelves; half = halves; thief = thieves; dress = dresses; church = churches; cherry = cherries; lady = ladies
"""

PASTS = """
go = went; see = saw; eat = ate; drink = drank; run = ran; come = came; take = took; give = gave; write = wrote; speak = spoke
break = broke; buy = bought; bring = brought; think = thought; teach = taught; catch = caught; sing = sang; swim = swam
begin = began; drive = drove; ride = rode; fly = flew; grow = grew; throw = threw; sleep = slept; keep = kept; feel = felt
leave = left; find = found; make = made; sell = sold; tell = told; lose = lost; stand = stood; forget = forgot; fall = fell
choose = chose; freeze = froze; steal = stole; wear = wore
"""

KINDS = """
a flower: a rose, a tulip, a daisy, a lily, a sunflower, an orchid; a fruit: an apple, a pear, a peach, a mango, a banana
a vegetable: a carrot, an onion, a potato, a cabbage, a radish; a bird: an eagle, a robin, a sparrow, a parrot, an ostrich
a fish: a salmon, a shark, a tuna, a trout; an insect: an ant, a bee, a beetle, a butterfly; a tree: an oak, a pine, a maple, a birch
a metal: iron, gold, copper, silver; a mammal: a whale, a dolphin, a bat, a dog; a reptile: a snake, a lizard, a turtle
an instrument: a piano, a violin, a flute, a trumpet; a sport: tennis, soccer, hockey, golf; a gas: oxygen, helium, hydrogen
a planet: Mars, Venus, Saturn; a continent: Europe, Asia, Africa; a dance: tango, waltz; a drink: coffee, tea, lemonade
a language: Latin, Spanish, Japanese; a gem: a diamond, a ruby, an emerald
"""

LIVES = Wordings(
    questions="""
    where does {x} live; where is the home of {x}; what is the home of {x}; in what place does {x} live; {x} lives where
    where does {x} have its home; which place is the home of {x}; where does {x} stay
    """,
    clauses="where {x} lives; the home of {x}; where the home of {x} is; in what place {x} lives",
    orders="name the home of {x}; say where {x} lives; give me the home of {x}",
)
LIVES_HELD_OUT = Wordings(
    questions="if i want to visit {x} at home where do i go; in which place would {x} make its home",
    clauses="at which place {x} is at home",
    orders="describe where {x} lives",
)
MANY = Wordings(
    questions="""
    what is the plural of {x}; what's the plural of {x}; which word is the plural of {x}; what is the plural form of {x}
    the plural of {x} is what; what do you call more than one {x}; what word means more than one {x}; how do you form the plural of {x}
    """,
    clauses="the plural of {x}; what the plural of {x} is; the plural form of {x}; the word for more than one {x}",
    orders="name the plural of {x}; say the plural of {x}; give me the plural of {x}",
)
MANY_HELD_OUT = Wordings(
    questions="one {x} and many what; if there are several of {x} what is the word",
    clauses="how you say {x} in the plural",
    orders="put {x} in the plural",
)
PAST = Wordings(
    questions="""
    what is the past of {x}; what's the past of {x}; what is the past form of {x}; what is the past tense of {x}
    which word is the past of {x}; the past of {x} is what; how do you form the past of {x}; what is the simple past of {x}
    """,
    clauses="the past of {x}; what the past of {x} is; the past tense of {x}; the past form of {x}",
    orders="name the past of {x}; say the past tense of {x}; give me the past of {x}",
)
PAST_HELD_OUT = Wordings(
    questions="today i {x} and yesterday i what; if it was yesterday what do we say for {x}",
    clauses="how you say {x} in the past",
    orders="put {x} into the past tense",
)
KIND = Wordings(
    questions="""
    what kind of thing is {x}; what type of thing is {x}; what sort of thing is {x}; which kind of thing is {x}
    {x} is what kind of thing; to which group does {x} belong; what group does {x} belong to; what class of things is {x} in
    """,
    clauses="what kind of thing {x} is; what type of thing {x} is; to which group {x} belongs; what sort of thing {x} is",
    orders="name the group of {x}; say what kind of thing {x} is; say to which group {x} belongs",
)
KIND_HELD_OUT = Wordings(
    questions="in which group of things would you put {x}; what would you say {x} is an example of",
    clauses="among which things {x} counts",
    orders="find the right group for {x}",
)
NAMED = Wordings(
    questions="""
    what is {x}; what is the name of {x}; what's {x}; which one is {x}; how is {x} called; do you know {x}
    do you know the name of {x}; what do you call {x}
    """,
    clauses="what {x} is; the name of {x}; what {x} is called; how {x} is called",
    orders="name {x}; say the name of {x}; give me the name of {x}",
)
NAMED_HELD_OUT = Wordings(
    questions="how would you name {x}; which name does {x} have",
    clauses="what name they gave to {x}",
    orders="find out {x}",
)

THINGS = (
    more("opposites", OPPOSITES, "the opposite of {x}", "of {x}; {x}"),
    more("colors", grouped(COLORS), "the color of {x}"),
    more("sounds", SOUNDS, "the sound of {x}"),
    more("babies", BABIES, "a baby {x}", "a {x}"),
    more("records", RECORDS, "{x}"),
    Domain("landmarks", LANDMARKS, "It is {y}.", NAMED, NAMED_HELD_OUT, "{x}", "{x}"),
    more("materials", MATERIALS, "what {x} is made of"),
    more("tools", TOOLS, "the use of {x}"),
    more("jobs", JOBS, "the work of {x}"),
    Domain("homes", HOMES, "It lives in {y}.", LIVES, LIVES_HELD_OUT, "the home of {x}", "{x}"),
    Domain("plurals", PLURALS, "The plural is {y}.", MANY, MANY_HELD_OUT, "the plural of {x}", "of {x}; {x}"),
    Domain("pasts", PASTS, "The past is {y}.", PAST, PAST_HELD_OUT, "the past of {x}", "of {x}; {x}"),
    Domain("kinds", grouped(KINDS), "It is {y}.", KIND, KIND_HELD_OUT, "the kind of {x}", "{x}"),
)
