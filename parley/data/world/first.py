"""The facts of the world `first`, which are also in the world `full`, by domain."""

from parley.data.world.wordings import Domain, Wordings

DOMAINS = (
    Domain(
        name="capitals",
        table="""
        France = Paris; Germany = Berlin; Spain = Madrid; Italy = Rome; England = London; Ireland = Dublin; Russia = Moscow
        Japan = Tokyo; China = Beijing; Egypt = Cairo; Greece = Athens; Portugal = Lisbon; Norway = Oslo; Sweden = Stockholm
        Denmark = Copenhagen; Poland = Warsaw; Hungary = Budapest; Belgium = Brussels; Cuba = Havana; Canada = Ottawa
        Turkey = Ankara; Kenya = Nairobi; Peru = Lima; Switzerland = Bern
        """,
        answer="The capital of {x} is {y}.",
        known=Wordings(
            questions="""
            what is the capital of {x}; what's the capital of {x}; which city is the capital of {x}; what is the capital city of {x}
            what is {x} capital city called; {x} has which capital; what is the name of the capital of {x}
            what city is the capital in {x}; do you know the capital of {x}; the capital of {x} is which city
            """,
            clauses="""
            the capital of {x}; what the capital of {x} is; which city is the capital of {x}; the name of the capital of {x}
            the capital city of {x}; how the capital of {x} is called
            """,
            orders="name the capital of {x}; say the capital of {x}; give me the capital of {x}; name the capital city of {x}",
        ),
        held_out=Wordings(
            questions="in {x} which town is the capital; what would you call the capital of {x}; for {x} what is the capital",
            clauses="what they call the capital of {x}",
            orders="find the capital for {x}",
        ),
    ),
    Domain(
        name="opposites",
        table="""
        hot = cold; big = small; fast = slow; up = down; happy = sad; old = young; open = closed; early = late; rich = poor
        light = dark; hard = soft; full = empty; wet = dry; strong = weak; loud = quiet; left = right; clean = dirty; long = short
        inside = outside; good = bad; heavy = light; beautiful = ugly
        """,
        answer="The opposite is {y}.",
        known=Wordings(
            questions="""
            what is the opposite of {x}; what's the opposite of {x}; which word is the opposite of {x}
            what word means the opposite of {x}; {x} is the opposite of what; what is the opposite word for {x}
            what is opposite to {x}; the opposite of {x} is what; do you know the opposite of {x}
            """,
            clauses="""
            the opposite of {x}; what the opposite of {x} is; which word is the opposite of {x}
            a word that means the opposite of {x}
            """,
            orders="""
            name the opposite of {x}; say the opposite of {x}; give me the opposite of {x}; give me the opposite word for {x}
            """,
        ),
        held_out=Wordings(
            questions="""
            for {x} what would be the opposite; what do we call the opposite of {x}; if it is not {x} but the opposite what is it
            """,
            clauses="how you say the opposite of {x}",
            orders="find a word opposite to {x}",
        ),
    ),
    Domain(
        name="colors",
        table="""
        the sky = blue; grass = green; snow = white; blood = red; coal = black; a banana = yellow; an elephant = gray
        chocolate = brown; a carrot = orange; a flamingo = pink; a strawberry = red; an emerald = green; gold = yellow
        a polar bear = white; a raven = black; a lemon = yellow
        """,
        answer="The color of {x} is {y}.",
        known=Wordings(
            questions="""
            what color is {x}; what is the color of {x}; which color does {x} have; what color does {x} have; which color is {x}
            what's the color of {x}; {x} has which color; {x} is what color; what kind of color is {x}; what color do you see on {x}
            """,
            clauses="what color {x} is; the color of {x}; which color {x} has; what the color of {x} is; which color {x} is",
            orders="name the color of {x}; say the color of {x}; give me the color of {x}; describe the color of {x}",
        ),
        held_out=Wordings(
            questions="in what color does {x} appear; what would you say is the color of {x}; if i look at {x} what color is it",
            clauses="in which color we see {x}",
            orders="pick the right color for {x}",
        ),
    ),
    Domain(
        name="sounds",
        table="""
        a dog = woof; a cat = meow; a cow = moo; a sheep = baa; a duck = quack; a pig = oink; a horse = neigh; an owl = hoot
        a snake = hiss; a lion = roar; a mouse = squeak; a bee = buzz
        """,
        answer="It says {y}.",
        known=Wordings(
            questions="""
            what sound does {x} make; what does {x} say; which sound does {x} make; what noise does {x} make
            what is the sound of {x}; how does {x} sound; what kind of sound does {x} make; {x} makes what sound
            what kind of noise comes from {x}
            """,
            clauses="""
            what sound {x} makes; what {x} says; which noise {x} makes; how {x} sounds; the sound of {x}; the sound that {x} makes
            """,
            orders="make the sound of {x}; make a noise like {x}; imitate the sound of {x}; sound like {x}",
        ),
        held_out=Wordings(
            questions="what sound do you hear from {x}; if {x} makes a noise what is it; what would {x} sound like",
            clauses="what {x} sounds like",
            orders="do the noise of {x}",
        ),
    ),
    Domain(
        name="babies",
        table="""
        dog = a puppy; cat = a kitten; cow = a calf; sheep = a lamb; horse = a foal; lion = a cub; frog = a tadpole
        goose = a gosling; kangaroo = a joey; pig = a piglet
        """,
        answer="A baby {x} is {y}.",
        known=Wordings(
            questions="""
            what is a baby {x} called; what do you call a baby {x}; what is the name of a baby {x}; which word means a baby {x}
            how do you call a baby {x}; what is the word for a baby {x}; a baby {x} is called what; what's a baby {x}
            what do people call a baby {x}
            """,
            clauses="""
            what a baby {x} is called; how a baby {x} is called; the name of a baby {x}; the word for a baby {x}
            what you call a baby {x}
            """,
            orders="name a baby {x}; say the word for a baby {x}; give me the name of a baby {x}; say how a baby {x} is called",
        ),
        held_out=Wordings(
            questions="when a {x} has a baby what is it called; what name does a baby {x} have; for a baby {x} which word do we use",
            clauses="what they call the baby of a {x}",
            orders="find the word for a baby {x}",
        ),
    ),
    Domain(
        name="legs",
        table="""
        a spider = eight; an ant = six; a bird = two; a table = four; a worm = no; a butterfly = six; a tiger = four
        a chicken = two
        """,
        answer="It has {y} legs.",
        known=Wordings(
            questions="""
            how many legs does {x} have; how many legs has {x}; what number of legs does {x} have; {x} has how many legs
            what is the number of legs of {x}; on how many legs does {x} stand; how many legs are there on {x}
            how many legs do you see on {x}
            """,
            clauses="how many legs {x} has; the number of legs of {x}; how many legs {x} stands on; what number of legs {x} has",
            orders="count the legs of {x}; say how many legs {x} has; give me the number of legs of {x}",
        ),
        held_out=Wordings(
            questions="if i count the legs of {x} how many are there; how many legs would you find on {x}",
            clauses="on how many legs {x} walks",
            orders="work out the number of legs on {x}",
        ),
    ),
    Domain(
        name="records",
        table="""
        the biggest planet = Jupiter; the highest mountain = Everest; the longest river = the Nile; the biggest ocean = the Pacific
        the fastest animal = the cheetah; the tallest animal = the giraffe; the biggest animal = the blue whale
        the smallest country = the Vatican; the biggest country = Russia; the hottest planet = Venus
        the hardest stone = the diamond; the biggest bird = the ostrich; the shortest month = February; the closest star = the sun
        """,
        answer="It is {y}.",
        known=Wordings(
            questions="""
            what is {x}; which one is {x}; what's {x}; what is the name of {x}; what is {x} in the world; what do you think is {x}
            what is {x} of all; how is {x} called; do you know {x}; what is known as {x}
            """,
            clauses="what {x} is; the name of {x}; which one is {x}; what {x} is called; the name of {x} in the world",
            orders="name {x}; say the name of {x}; give me the name of {x}; name {x} in the world",
        ),
        held_out=Wordings(
            questions="what do people call {x}; of all there are which one is {x}; if you had to choose {x} what is it",
            clauses="what we call {x}",
            orders="find out {x}",
        ),
    ),
    Domain(
        name="materials",
        table="""
        bread = flour; cheese = milk; paper = wood; glass = sand; wine = grapes; ice = water; honey = nectar; a candle = wax
        a tire = rubber; a sweater = wool
        """,
        answer="It is made from {y}.",
        known=Wordings(
            questions="""
            what is {x} made of; what is {x} made from; from what is {x} made; how is {x} made; what do you need to make {x}
            what do people use to make {x}; {x} is made of what; out of what is {x} made; what is used to make {x}
            """,
            clauses="""
            what {x} is made of; what {x} is made from; how {x} is made; what you need to make {x}; what is used to make {x}
            """,
            orders="say what {x} is made of; name what {x} is made from; explain what {x} is made of",
        ),
        held_out=Wordings(
            questions="""
            what goes into {x} when it is made; if i want to make {x} what do i need; which material do they make {x} from
            """,
            clauses="from which material {x} is made",
            orders="name the thing {x} is made out of",
        ),
    ),
    Domain(
        name="languages",
        table="""
        Brazil = Portuguese; Mexico = Spanish; Austria = German; America = English; Israel = Hebrew; Finland = Finnish
        Iran = Persian; Holland = Dutch
        """,
        answer="They speak {y} there.",
        known=Wordings(
            questions="""
            what language do they speak in {x}; which language is spoken in {x}; what language do people speak in {x}
            what is the language of {x}; which language do you hear in {x}; in {x} they speak which language
            what do they speak in {x}; what is spoken in {x}; what's the language in {x}
            """,
            clauses="""
            what language they speak in {x}; which language is spoken in {x}; the language of {x}
            the language that people speak in {x}
            """,
            orders="name the language of {x}; say which language they speak in {x}; give me the language of {x}",
        ),
        held_out=Wordings(
            questions="""
            if i travel to {x} which language will people speak; in what language do people talk in {x}
            what would be the language in {x}
            """,
            clauses="how people in {x} speak and in which language",
            orders="find the language spoken around {x}",
        ),
    ),
    Domain(
        name="units",
        table="""
        minutes = sixty = an hour; hours = twenty four = a day; days = seven = a week; months = twelve = a year
        cents = one hundred = a dollar; seasons = four = the year; letters = twenty six = the alphabet
        players = eleven = a football team; eggs = twelve = a dozen; strings = six = a guitar; wheels = two = a bicycle
        keys = eighty eight = a piano; sides = three = a triangle; planets = eight = the solar system
        """,
        answer="There are {y}.",
        known=Wordings(
            questions="""
            how many {x} are in {z}; how many {x} does {z} have; how many {x} are there in {z}; what is the number of {x} in {z}
            {z} has how many {x}; how many {x} make {z}; in {z} how many {x} are there; what number of {x} does {z} have
            how many {x} do you find in {z}
            """,
            clauses="how many {x} are in {z}; how many {x} {z} has; the number of {x} in {z}; how many {x} there are in {z}",
            orders="count the {x} in {z}; say how many {x} are in {z}; give me the number of {x} in {z}",
        ),
        held_out=Wordings(
            questions="""
            if i count the {x} of {z} how many will i get; how many {x} would {z} contain; for {z} how many {x} do we need
            """,
            clauses="with how many {x} {z} comes",
            orders="work out how many {x} belong to {z}",
        ),
    ),
    Domain(
        name="tools",
        table="""
        scissors = cut paper; a hammer = hit nails; an umbrella = stay dry; a broom = sweep the floor; a spoon = eat soup
        a camera = take pictures; a telescope = see the stars; soap = wash your hands; a towel = dry yourself; an oven = bake bread
        """,
        answer="You use it to {y}.",
        known=Wordings(
            questions="""
            what is {x} for; what do you use {x} for; what is {x} used for; what do we need {x} for; what can i do with {x}
            what do people do with {x}; why do people use {x}; what is {x} good for; what does {x} help with
            """,
            clauses="what {x} is for; what {x} is used for; what people do with {x}; what i can do with {x}; how to use {x}",
            orders="explain what {x} is for; say what people use {x} for; tell me the use of {x}",
        ),
        held_out=Wordings(
            questions="for which purpose would i use {x}; why would somebody need {x}; when i have {x} what can i use it for",
            clauses="why somebody would use {x}",
            orders="describe the use of {x}",
        ),
    ),
    Domain(
        name="jobs",
        table="""
        a teacher = a school; a doctor = a hospital; a farmer = a farm; a cook = a kitchen; a judge = a court; a sailor = a ship
        a miner = a mine; an actor = a theater; a waiter = a restaurant; a librarian = a library
        """,
        answer="In {y}.",
        known=Wordings(
            questions="""
            where does {x} work; where do you find {x} at work; in what place does {x} work; where can i find {x}
            where would you meet {x}; where is the work of {x}; what is the workplace of {x}; {x} works where
            which place does {x} work in
            """,
            clauses="where {x} works; in what place {x} works; where to find {x}; the place where {x} works; the workplace of {x}",
            orders="name the place where {x} works; say where {x} works; name the workplace of {x}",
        ),
        held_out=Wordings(
            questions="to which place does {x} go for work; if i look for {x} where should i go; where is {x} working usually",
            clauses="at which place {x} does the work",
            orders="describe where {x} goes to work",
        ),
    ),
)
