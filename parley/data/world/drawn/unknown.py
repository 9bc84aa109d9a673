"""Questions outside the world: nobody told the model, and it says so."""

import re
from functools import cache

import numpy as np

from parley.data.world.drawn.memories import MEMORIES
from parley.data.world.wordings import HELD_OUT_CARRIERS, MANY_CARRIERS, Fact, lines
from parley.data.world.world import FIRST, FULL, STORIES, facts

DOMAIN = "unknown"
ANSWER = "I do not know that."
KEYWORDS = ("not", "know")
UNTOLD = 0.1  # share of the questions after what the user has not told
UNTAUGHT = 0.3  # in the world `first`: share of the questions that only the world `full` answers

QUESTIONS = lines("""
who is the president of {country}; who is the king of {country}; how many people live in {country}; how many people live in {city}
how big is {country}; how old is the city of {city}; what is the weather in {city}; is it raining in {city}; what time is it
what time is it in {city}; what day is it today; how far is it from {city} to {city}; how long is the flight to {city}
how much does {thing} cost; who thought of {thing} first; how heavy is {thing}; where can i buy {thing}; when was {thing} invented
how do you repair {thing}; how do you spell {thing}; how do i cook {food}; how much sugar is in {food}; where does {food} taste best
how many calories does {food} have; what is the price of {food}; how long does {animal} live; how fast is {animal}
how much does {animal} weigh; how do you say hello in {country}; what is the flag of {country}; what do people eat in {country}
who won the game in {city}; when does the train to {city} leave; when does the museum in {city} open; where is my phone
where did i put {thing}; what is the phone number of {name}; how old is {name}; when is the birthday of {name}; where is {name}
what does {name} do for a living; who is {name} married to; what did {name} say yesterday; what is the news today; who will win the game
what will the weather be tomorrow; what is on television tonight; which movie should i watch; how is the traffic today
what is my password; how much money do i have; what is the square root of {number}; what is {number} divided by {number}
what year is it; who wrote the book about {animal}; what is the name of my teacher; what is your phone number
how many stars are in the sky; how many hairs do i have; who discovered {country}; who lives in {country}
what is the money of {country} worth; when was {country} founded; what is {country} famous for; is {country} a rich land
how cold is it in {country} in the winter; which animals live in {country}; what is the highest tower in {country}
when did the war in {country} end; how many islands does {country} have; what is the national song of {country}
what sport do they play in {country}; what do people wear in {country}; who was the first king of {country}
how many cities are in {country}; can i go to {country} by car; what is the best time to visit {country}; do i need a visa for {country}
what is the highest building in {city}; which river flows through {city}; who is the mayor of {city}; what can i do in {city}
what should i see in {city}; where can i eat in {city}; how many schools are in {city}; what is the oldest church in {city}
how do i get to {city}; which bus goes to {city}; how late is the last train to {city}; is there a beach in {city}
what happened in {city} yesterday; what is the best museum in {city}; when was {city} built; how do i get from {city} to {city} by train
is {city} bigger than {city}; which airport is close to {city}; how many people visit {city} every year
when does the sun rise in {city}; when does the sun go down in {city}; will it snow in {city}; who designed {thing}; how old is {thing}
how long does {thing} last; what is the best brand of {thing}; how big is {thing}; can you bring me {thing}; how do i clean {thing}
where do they build {thing}; who sells {thing}; how do i fix {thing}; how does {thing} work; is {thing} expensive
how many people own {thing}; what size is {thing}; who needs {thing}; how do you draw {thing}; what is the weight of {thing}
what was the first {word} like; who built the best {word}; what is the history of the {word}; who has the biggest {word} in the world
which {word} is the cheapest; which {word} should i buy; how many kinds of {word} are there; whose {word} is this; where is my {word}
how do i cut {food}; is {food} good for me; who eats {food} every day; who cooked {food} first; what do i drink with {food}
how much salt do i need for {food}; can i freeze {food}; how long can i keep {food}; how do i warm up {food}; where can i get {food}
what is the secret of good {food}; how many people like {food}; what is a good recipe for {food}; can dogs eat {food}
what spice goes into {food}; is {food} healthy; how do you make {food} without sugar; why is {food} so popular
what is the latin name of {animal}; what does {animal} eat; when does {animal} sleep; how big is {animal}; how smart is {animal}
how many teeth does {animal} have; can {animal} swim; is {animal} dangerous; how far can {animal} see; why does {animal} sleep so long
how does {animal} find food; who is the enemy of {animal}; what does {animal} do in winter; how many eyes does {animal} have
does {animal} have a tail; can i keep {animal} at home; what is the favorite food of {animal}; how old does {animal} get
how does {animal} see at night; how tall is {animal}; what does {animal} think about; what can {animal} smell; what is {name} doing
what did {name} buy; what does {name} want; why is {name} angry; where does {name} live; where was {name} last night
what is the favorite book of {name}; how tall is {name}; when did {name} leave; what is the address of {name}; how much does {name} earn
what is the last name of {name}; does {name} like me; what should i give to {name}; how do i call {name}; what are the plans of {name}
where did {name} learn to sing; which car does {name} drive; is {name} sick; what is {number} percent of {number}
is {number} a prime number; what is the cube of {number}; what are the factors of {number}; what happened {number} years ago
what will happen in {number} years; how many seconds are {number} years; how long is {number} miles
how much is {number} dollars in another currency; what is {number} degrees in the other scale; which team has {number} points
what is on page {number}; who lives at number {number}; what is on channel {number}; what is so special about {number}
who won the election; who is the richest man; who is the richest woman; who is the best singer; who is the best player; who won the cup
who won the race yesterday; who wrote this song; who sings this song; who painted this picture; who played in that movie
who made this film; who directed the last movie; who invented the internet; who built the great wall; who lives next door; who am i
what is my address; what is my favorite food; what do i want; what am i thinking; what did i do yesterday; what will i do tomorrow
what should i do now; what should i read; what is love; what is the meaning of life; what is the meaning of this
what is the matter with me; what is happening in the world; what is this; what is a black hole; what is electricity
what is the stock price; what is the score; what is the temperature outside; what is the temperature; what is the date today
what month is it; what day is tomorrow; what is the time; what is my name in chinese; what is the best phone; what is the best car
what is the fastest car; what is the best book; what is the biggest company; what is the best school; what is the wifi password
what is in the box; what is in my bag; what is in the news; what is new; what is next; what movie is this; what song is this
what flower is that; what star is that; what does this word mean; what does my dog want; what does the doctor say
what does a lawyer earn; what happened in the war; what causes cancer; what makes people happy; what should i invest in
what kind of tree is this; when is my birthday; when is the next holiday; when is my next meeting; when is the game; when is easter
when does the show begin; when does school start; when does the shop close; when will the rain stop; when will i be rich
when did the war begin; when did dinosaurs live; when was i born; when was the first movie made; when was the telephone invented
when should i wake up; when is the exam; where are my keys; where am i; where are we; where is the nearest doctor
where is the next restaurant; where is the train station; where is the bank; where can i park; where can i find a good hotel
where can i learn to dance; where do you think i live; where do stars come from; where should i go on holiday; where was i born
where is the best pizza; why is my computer so slow; why are people so sad; why did the train stop; why do i dream; why do leaves fall
why do we sleep; why is the shop closed; why is life so hard; why is the sea salty; why does my head hurt; why is it so warm
how do i get home; how do i lose weight; how do i tie a tie; how do i learn to swim; how do i turn on the light; how do i change a tire
how do i write a letter; how do i open this door; how do i get rich; how do i get to the airport; how do i fall asleep
how do planes fly; how do magnets work; how does the story end; how does a motor work; how far is the moon; how far is the next town
how fast is light; how fast is sound; how high do planes fly; how many people are in the room; how many books did i read
how many friends do i have; how many languages are there in the world; how many countries are there; how many people are on earth
how many words do you know; how many miles to the city; how many emails do i have; how much is the rent; how much is a house
how much is a gallon; how much does it cost; how much water should i drink; how much time do i have; how much do i weigh; how old am i
how old is the world; how old is the queen; how long is the movie; how long is the river here; how long will it take
how long should i sleep; how tall am i; how deep is the sea; how big is the universe; how did the game end; how is the stock market
how can i sleep better; how can i get a job; how should i cut my hair; is it going to rain; is it cold outside; is it late
is today a holiday; is the shop open; is the store still open; is there life on mars; is there a god; is there a doctor near here
is coffee healthy; is my flight on time; is this the right way; will it rain tomorrow; will i be famous; will there be snow
will they win the game; will my team win; do i have any messages; do i need an umbrella today; do i have a meeting today
do aliens exist; do fish sleep; do trees talk; did it rain last night; did i win; does this train go to the city
are there any new messages; are the shops open today; are there good movies on; am i right; can i pay by card; can i eat this
can i smoke here; can fish hear; can people live on mars; can you call a taxi; can you open the window; can you set an alarm
can you turn on the radio; can you book a table; can you play a song; can you send a message; can you translate this
can you write a poem; can you find my phone; can you order a pizza; set a timer for {number} minutes; set an alarm for {number}
send a message to {name}; write to {name}; play some music; play my favorite song; read the news; read my messages; buy me {thing}
order {food}; book a flight to {city}; book a hotel in {city}; find me a restaurant in {city}; translate this into another language
show me the way home; show me pictures of {animal}; show me the map of {country}; add {food} to my list; remind me of the meeting
tell me the news; tell me the time; tell me the date; tell me the weather; tell me the score of the game; tell me what {name} said
tell me what is on television; tell me where {name} is; tell me how much {thing} costs; tell me when the train leaves
tell me who won the game; tell me how to cook {food}; tell me the price of gold; tell me my future; tell me a secret; tell me a number
should i buy {thing}; should i call {name}; should i go to {city}; should i eat {food}; should i sell my house; should i take the train
should i get married; should i wear a coat; would {name} like {thing}; would it rain in {city}; could it snow tonight
could {animal} win a fight; which bus should i take; which way is north; which day is the best; which movie won; which team is the best
which phone is the best; which book should i read; which doctor is the best; which color is in fashion; which tree is the oldest
which plane is the biggest; which shop sells {thing}; which train goes to {city}; which road goes to {city}; whose birthday is today
to whom does this belong; at what time is the movie; in which year was {thing} invented; in which year did {name} marry
in which street does {name} live; for how long is the shop open; from where does the train leave; with whom did {name} dance
by whom was the song written
""")
HELD_OUT_QUESTIONS = lines("""
who rules {country} today; which people are famous in {country}; what is the population of {city}; how warm is it in {city}
which hotel is good in {city}; how many kilometers is it to {city}; what does a ticket to {city} cost; who made the first {word}
how many years does {animal} sleep; how high can {animal} jump; how many babies does {animal} have; which wine goes with {food}
how long must i bake {food}; what did {name} eat today; which school did {name} visit; when does {name} come home
what is the time now; what did they say on the radio; which song is number one; how many cars are in {city}
what are the numbers of the lottery; where is the next gas station; what is the third root of {number}; who was on the phone
""")
SLOTS = {
    "country": """
    france; italy; spain; germany; japan; china; india; canada; brazil; mexico; egypt; kenya; norway; sweden; poland; peru; scotland
    ireland; portugal; greece; turkey; russia; austria; finland; denmark; hungary; chile; argentina; morocco; nigeria; vietnam; thailand
    australia; england; america; cuba; iceland; israel; iran
    """,
    "city": """
    paris; rome; madrid; berlin; tokyo; cairo; london; dublin; oslo; moscow; athens; lisbon; vienna; lima; havana; boston; new york
    chicago; hamburg; munich; barcelona; milan; naples; prague; budapest; stockholm; helsinki; warsaw; sydney; toronto; bombay; seoul
    beijing; venice; geneva; brussels
    """,
    "thing": """
    a camera; a telescope; a bicycle; a piano; a guitar; a sofa; a lamp; a hammer; an umbrella; a radio; a watch; a jacket; a computer
    a telephone; a car; a bed; a chair; a knife; a pen; a clock; a ring; a boat; a plane; a train; a lawn mower; a fridge
    a washing machine; a tent; a drum; a violin; a shirt; a hat; a mirror; a basket; a ladder; a candle; a carpet; a blanket; a key
    a ticket
    """,
    "word": """
    camera; bicycle; piano; guitar; lamp; hammer; umbrella; radio; watch; jacket; computer; car; chair; knife; pen; clock
    boat; plane; train; fridge; tent; drum; violin; hat; mirror; ladder; key; phone; table; house; dress; book
    """,
    "food": """
    pizza; bread; chocolate; soup; rice; chicken; pancakes; pasta; an omelet; apple pie; a salad; cheese; spaghetti; potatoes; beans
    tomatoes; fish; beef; pork; sausages; butter; ice cream; cake; cookies; bananas; strawberries; mushrooms; a sandwich; a burger
    an apple; noodles; curry; honey; jam; cereal; tea; coffee; lemonade
    """,
    "animal": """
    a tiger; a horse; an owl; a snake; a whale; an elephant; a dolphin; a spider; a rabbit; a camel; a turtle; a wolf; a cat; a dog
    a bear; a fox; a shark; a penguin; a lizard; a parrot; a monkey; a goat; a crocodile; a kangaroo; an eagle; a swan; a bat
    a squirrel; a deer; a lion; a hamster; a giraffe; a frog; a crab; a hippo; an ant
    """,
    "name": """
    my sister; my uncle; peter; anna; mister brown; our neighbor; my boss; the teacher; george; linda; my friend tom; the doctor
    my brother; my mother; my father; my wife; my husband; my cousin; my grandmother; mary; john; susan; paul; michael; sarah; david
    julia; frank; the neighbor; the president; the manager; our teacher; my dentist; missus green; mister smith; the postman
    her boyfriend; his girlfriend; my daughter; our son
    """,
    "number": """
    three; seven; eleven; twelve; fifteen; seventeen; nineteen; twenty; thirty; fifty; ninety; one; two; four; five; six; eight; nine
    ten; thirteen; fourteen; sixteen; eighteen; twenty five; forty; sixty; seventy two; eighty; one hundred; two hundred; one thousand
    """,
}
KNOWN_FIRST = re.compile(r"who (made the first|thought of) (a )?(plane|phone|telephone)( first)?")  # `full` knows who
FILLERS = {slot: lines(text) for slot, text in SLOTS.items()}


@cache
def untaught() -> tuple[Fact, ...]:
    """What a model of the world `first` may be asked as it is asked its own questions, and does not know."""
    known = {fact.answer for fact in facts(FIRST)}
    return tuple(fact for fact in facts(FULL) if fact.answer not in known and fact.domain not in (STORIES, "small talk", "details"))


def unknown(rng: np.random.Generator, held_out: bool, world: str) -> Fact:
    """What one question outside the world is asked by; only the side of the split that is asked for is drawn."""
    if world == FIRST and rng.random() < UNTAUGHT:
        fact = untaught()[rng.integers(len(untaught()))]
        return Fact(DOMAIN, ANSWER, KEYWORDS, fact.known, fact.held_out)
    if rng.random() < UNTOLD:
        memory = MEMORIES[rng.integers(len(MEMORIES))]
        return Fact(DOMAIN, ANSWER, KEYWORDS, memory.asked, memory.asked_held_out)
    questions, carriers = (HELD_OUT_QUESTIONS, HELD_OUT_CARRIERS) if held_out else (QUESTIONS, lines(MANY_CARRIERS.questions))
    question = filled(questions[rng.integers(len(questions))], rng)
    while world == FULL and KNOWN_FIRST.fullmatch(question):
        question = filled(questions[rng.integers(len(questions))], rng)
    texts = tuple(carrier.format(question) for carrier in carriers)
    return Fact(DOMAIN, ANSWER, KEYWORDS, () if held_out else texts, texts if held_out else ())


def filled(template: str, rng: np.random.Generator) -> str:
    """No filler stands twice in a question."""
    chosen: list[str] = []

    def draw(slot: re.Match[str]) -> str:
        fillers = [filler for filler in FILLERS[slot[1]] if filler not in chosen]
        chosen.append(fillers[rng.integers(len(fillers))])
        return chosen[-1]

    return re.sub(r"\{(\w+)\}", draw, template)
