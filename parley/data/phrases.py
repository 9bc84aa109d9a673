"""How things are worded: carriers for questions, small talk, long answers, interruptions, backchannels, chat.

`*_TRAIN` is heard in training, `*_EVAL` only in evaluation; no sentence is in both, but most words of the second are in the first.
"""

from dataclasses import dataclass
from itertools import product


def lines(text: str) -> tuple[str, ...]:
    """The phrases of a text, separated by semicolons or line ends."""
    return tuple(phrase.strip() for phrase in text.replace("\n", ";").split(";") if phrase.strip())


@dataclass(frozen=True)
class Wordings:
    """Cores by their grammar, separated by semicolons; `{x}` is what they ask about and `{z}` its class ("day", "an hour")."""

    questions: str  # "what is the capital of {x}"
    clauses: str  # "what the capital of {x} is"
    orders: str  # "name the capital of {x}"


QUESTION_CARRIERS = lines("{}; hey {}; so {}; okay {}; tell me {}; {} please; excuse me {}; i have a question {}")
CLAUSE_CARRIERS = lines("""
can you tell me {}; could you tell me {}; please tell me {}; do you know {}; i would like to know {}; tell me {}; i want to know {}
can you tell me {} please; do you happen to know {}; please say {}; could you please say {}
""")
ORDER_CARRIERS = lines("{}; please {}; can you {}; could you {}; {} please; could you please {}; hey {}; i want you to {}")


def recombine(wordings: Wordings, x: str, z: str = "") -> tuple[str, ...]:
    """Every core in every carrier that fits its grammar, without repetitions."""
    texts = [
        carrier.format(core.format(x=x, z=z))
        for cores, carriers in (
            (wordings.questions, QUESTION_CARRIERS),
            (wordings.clauses, CLAUSE_CARRIERS),
            (wordings.orders, ORDER_CARRIERS),
        )
        for core in lines(cores)
        for carrier in carriers
    ]
    return tuple(dict.fromkeys(texts))


@dataclass(frozen=True)
class Topic:
    """An answer with the words that a right one must contain, and the wordings that ask for it."""

    answer: str
    keywords: str  # separated by blanks, lower case
    known: tuple[str, ...]
    held_out: tuple[str, ...]


def stories(text: str) -> tuple[Topic, ...]:
    """Paragraphs whose first line is `topic = keywords` and whose other lines are a long answer about it."""
    told = []
    for paragraph in text.strip().split("\n\n"):
        head, *answer = (line.strip() for line in paragraph.strip().splitlines())
        topic, keywords = head.split(" = ")
        told.append(Topic(" ".join(answer), keywords, recombine(STORIES_KNOWN, topic), recombine(STORIES_HELD_OUT, topic)))
    return tuple(told)


STORIES_KNOWN = Wordings(
    questions="""
    what do you know about {x}; what can you say about {x}; what is interesting about {x}; what should i know about {x}
    what is the story of {x}; do you know something about {x}
    """,
    clauses="something about {x}; more about {x}; a story about {x}; all about {x}",
    orders="""
    tell me about {x}; talk about {x}; explain {x} to me; tell me a story about {x}; tell me something about {x}
    give me a talk about {x}; teach me about {x}
    """,
)
STORIES_HELD_OUT = Wordings(
    questions="what have you learned about {x}; is there something you can tell me about {x}",
    clauses="what there is to know about {x}",
    orders="let me hear something about {x}",
)

SMALL_TALK = (
    Topic(
        answer="Hello, nice to hear you.",
        keywords="hello",
        known=lines("""
            hello; hi; hello there; hi there; good day; hello my friend; hey hello; hello assistant; hi assistant; hey hi there
            well hello
            """),
        held_out=lines("hello to you; oh hi hello; hello again"),
    ),
    Topic(
        answer="I am fine, thank you.",
        keywords="fine",
        known=lines("""
            how are you; how are you today; how are you doing; how do you feel; how do you feel today; are you fine
            hey how are you doing; hello how are you; tell me how you feel; and how are you today; are you doing well today
            """),
        held_out=lines("how are you feeling today; so how do you do; are you feeling fine"),
    ),
    Topic(
        answer="My name is Parley.",
        keywords="parley",
        known=lines("""
            what is your name; what's your name; tell me your name; who are you; what are you called; can you tell me your name
            say your name; how should i call you; please tell me your name; do you have a name; may i know your name
            your name please
            """),
        held_out=lines("what name do you have; which name should i call you; i would like to hear your name"),
    ),
    Topic(
        answer="Good morning to you.",
        keywords="morning",
        known=lines("""
            good morning; a good morning to you; good morning my friend; hey good morning; oh good morning; very good morning
            hello good morning; morning
            """),
        held_out=lines("a very good morning; hi and good morning; good morning assistant"),
    ),
    Topic(
        answer="Good night, sleep well.",
        keywords="night",
        known=lines("""
            good night; i am going to bed good night; good night my friend; i say good night; okay good night
            time to sleep good night; hey good night
            """),
        held_out=lines("well good night then; i go to sleep good night; a good night to you"),
    ),
    Topic(
        answer="You are welcome.",
        keywords="welcome",
        known=lines("""
            thank you; thanks a lot; thank you very much; thank you so much; many thanks; thanks for your help
            thank you for the help; thanks; okay thank you; thank you my friend; great thank you
            """),
        held_out=lines("thanks so much; thank you for all the help; oh many thanks"),
    ),
    Topic(
        answer="Goodbye, see you soon.",
        keywords="goodbye",
        known=lines("""
            goodbye; bye bye; bye; see you later; i have to go now goodbye; goodbye my friend; okay bye; goodbye for now
            see you tomorrow; so goodbye then
            """),
        held_out=lines("bye and see you; well goodbye now; okay goodbye see you later"),
    ),
    Topic(
        answer="I was made from many small numbers.",
        keywords="numbers",
        known=lines("""
            who made you; who built you; who created you; how were you made; who is your maker; tell me who made you
            do you know who made you; what are you made of; how did they make you; who has made you; tell me how you were made
            """),
        held_out=lines("by whom were you made; who was it that built you; how were you built and made"),
    ),
    Topic(
        answer="I can answer short questions.",
        keywords="questions",
        known=lines("""
            what can you do; what can i ask you; how can you help me; what do you know; tell me what you can do
            what are you able to do; what questions can i ask; can you help me; what can you do for me; how do you help people
            please help me
            """),
        held_out=lines("what kind of help can you do; which questions can i ask you; what could you do to help me"),
    ),
    Topic(
        answer="Why did the robot sleep? It was out of energy.",
        keywords="robot",
        known=lines("""
            tell me a joke; do you know a joke; say something funny; make me laugh; can you tell me a joke; i want to hear a joke
            a joke please; please tell me a joke; tell me something funny; give me a joke; do you know something funny
            """),
        held_out=lines("let me hear a joke; is there a funny joke you know; i would like a good joke"),
    ),
    Topic(
        answer="Yes, I am a small computer program.",
        keywords="computer",
        known=lines("""
            are you a robot; are you a computer; are you a machine; are you human; are you a real person; tell me are you a robot
            you are a robot; am i talking to a computer; are you alive; is this a computer; are you a person or a machine
            """),
        held_out=lines("is it a robot or a person; so are you really human; do i speak to a machine"),
    ),
    Topic(
        answer="I like quiet music.",
        keywords="music",
        known=lines("""
            do you like music; what music do you like; which music do you like; do you listen to music; what is your favorite music
            tell me what music you like; what kind of music do you like; do you enjoy music; is there music that you like
            your favorite music please
            """),
        held_out=lines("which kind of music do you enjoy; tell me about your favorite music; would you listen to some music"),
    ),
)

STORIES = stories(
    """
    the moon = moon earth
    The moon is a ball of gray rock that travels around the earth. It has no air and no rain. Its light is really light from the sun.

    the sun = sun star
    The sun is a huge star in the middle of our sky. It is so hot that it glows day and night. Without it the earth would be dark and
    frozen.

    elephants = elephants trunk
    Elephants are the largest animals on land. They live in families that an old mother leads. With the long trunk they drink, smell,
    and greet each other.

    whales = whales sea
    Whales live in the sea, but they breathe air like we do. They sing long songs that travel far through the water. Some of them swim
    to warm seas every year.

    volcanoes = mountain lava
    A volcano is a mountain with an open door to the hot rock below. When the pressure grows, red lava and dark ash come out.

    rain = water clouds
    The sun warms the water of the sea, and some of it rises as warm wet air. High above it cools and turns into clouds. When the
    drops become too heavy, they fall down.

    trees = trees leaves
    Trees drink water with their roots and catch sunlight with their leaves. In winter many trees lose their leaves and sleep, and in
    spring they wake up again.

    bees = bees queen
    Bees live together in a hive with one queen. The workers fly from flower to flower to collect sweet juice. When a bee finds a good
    field she dances, and the others learn the way from her dance.

    the ocean = ocean fish
    The ocean covers most of our planet, and much of it is deep and dark. Strange fish down there make their own light. Great streams
    of warm water move through it and change the weather on land.

    trains = trains steam
    The first trains were pulled by steam engines that burned coal. They were loud and slow. Modern trains run on electric power and
    are faster than any car.

    chess = king board
    Chess is a very old game for two people on a board of light and dark squares. Each side has a king, a queen, and a small army. You
    win when the other king has no safe place to go.

    bread = dough oven
    To make bread you mix flour, water, salt, and a little yeast. You let the dough rest until it grows. Then it goes into a hot oven,
    and soon the whole house smells wonderful.

    castles = castle walls
    A castle was the home of a lord and also a place to hide in war. It had thick walls and tall towers. In winter the rooms were cold
    and full of smoke.

    penguins = penguins ice
    Penguins are birds that cannot fly, but they swim like fish. Many of them live on the ice of the far south. The father keeps the
    egg warm on his feet for weeks, while the mother hunts for food.

    coffee = coffee beans
    Coffee grows on small green trees in warm countries. Inside the red fruit there are two beans. They are roasted until they turn
    brown, and then hot water makes a strong drink from them.

    bridges = bridge river
    A bridge carries people and cars over a river or a valley. The oldest ones were only trees that had fallen down. Today long
    bridges hang from strong steel ropes, and they move a little when the wind blows.
    """
)

INTERRUPTIONS_TRAIN = lines(
    """
    stop; stop it; stop it please; please stop; stop talking; stop talking please; please stop talking; stop right there; stop there
    stop now; okay stop; okay stop now; yeah stop; hey stop; no stop; stop stop; stop stop stop; can you stop; can you stop please
    could you stop talking; you can stop now; wait; wait wait; wait a second; wait a minute; wait a moment; please wait; hey wait
    okay wait; wait please; no wait; wait for me; just wait a second; hold on; hold on please; hold on a moment; hold on hold on
    okay hold on; hey hold on a minute; please hold on; hold it; just hold on; that is enough; that's enough; okay that's enough
    enough; enough please; okay enough; enough of that; that is enough for now; yeah that's enough now; be quiet; quiet please
    please be quiet; be quiet now; can you be quiet; silence please; be silent; shut up; please shut up; shut up now; never mind
    oh never mind; never mind that; okay never mind; forget it; forget about it; just forget it; please forget that; cancel
    cancel that; cancel please; pause; pause please; pause for a moment; please pause there; let me speak; let me talk
    let me say something; i want to say something; may i say something; listen to me; no listen; excuse me; excuse me please
    sorry to interrupt; sorry i have to interrupt you; no no no; no that is wrong; no not that; that is not what i asked
    that is not my question; i did not ask that; i don't want to hear this; not now; not now please; one moment please; one second
    one second please; give me a second; give me a moment; hang on; hang on a second; hey hang on; don't talk now; don't say more
    no more please; no more of this; skip it; skip this please; end it now; finish now please; you can end it there
    """
)

INTERRUPTIONS_EVAL = lines(
    """
    stop that please; okay please stop now; hey stop talking now; could you please stop; hold on a second; wait just a minute please
    no please wait; okay that is enough; that is enough talking; enough now please; please be silent; be quiet please
    yeah never mind that; just forget about that; please cancel it; okay pause there please; let me say something please
    sorry let me interrupt you; no that is not it; hang on please; give me one moment; not this please; no more talking please
    you can stop there
    """
)

BACKCHANNELS_TRAIN = lines(
    """
    uh huh; mm hmm; mhm; hmm; ah; oh; aha; okay; okay okay; ok sure; yeah; yeah yeah; yes; yes yes; yep; right; right right
    all right; that's right; oh right; sure; sure sure; of course; i see; oh i see; yeah i see; ah i see; i understand
    yeah i understand; got it; okay got it; yeah got it; i got it; oh wow; wow; wow really; oh really; really; interesting
    very interesting; that's interesting; oh interesting; how interesting; nice; oh nice; very nice; that's nice; cool; that's cool
    oh cool; great; that's great; oh great; good; very good; that's good; go on; please go on; yes go on; okay go on; continue
    please continue; keep going; tell me more; i know; yeah i know; oh yes; oh yeah; oh okay; ah okay; ah yes; makes sense
    that makes sense; yeah sure; yes sure; yes of course; true; that's true; so true; exactly; yes exactly; amazing; that's amazing
    uh huh yeah; mm hmm okay; right okay
    """
)

BACKCHANNELS_EVAL = lines(
    """
    uh huh uh huh; mm hmm yeah; yeah right; okay right; okay i see; yes i see; yes i understand; oh okay i see; wow nice
    wow that's interesting; really interesting; yes very nice; oh very good; sure go on; yeah go on; okay continue; yes that's right
    yeah that's true; oh that's cool; right exactly; yes makes sense; ah that's great; yeah okay; oh that's amazing
    """
)

CHAT_TRAIN = (
    *(
        " ".join(words)
        for words in [
            *product(
                lines("my sister; the neighbor; our teacher; uncle george; the boss; my best friend; the little boy; aunt mary"),
                lines(
                    """
                    has sold the old car; will come for dinner; lost the house keys; was working in the garden; is cleaning the kitchen
                    forgot about the party; will paint the front door; has bought fresh apples; was talking on the phone
                    needs a new pair of shoes; told me a long story; went to the market
                    """
                ),
                lines("again; this morning; after lunch; with the children; on the weekend; last night i think; because of the rain"),
            )
        ][::5]
    ),
    *lines(
        """
        i think we need more bread for dinner; the children are playing in the garden; my brother bought a new car last week
        she told me about her new job; we should leave before the traffic gets bad; dinner will be ready at six
        i forgot my keys at the office again; he said that he was too tired to come; the neighbors are painting their fence
        mom the phone is ringing; i will be home a little later tonight; your jacket is on the chair over there
        did you see the game last night; are you coming with us on saturday; where did you put my glasses
        can somebody open the window in here; we are out of milk and butter; i met anna at the market this morning
        the bus was late again this morning; they moved to a bigger house last year; i have a meeting with the boss at noon
        my sister has two little boys now; it was raining the whole weekend; we could watch a movie after dinner
        the dog has not been out since breakfast; he lost his wallet on the train; somebody left the light on in the kitchen
        i need to buy a present for peter; i really liked that restaurant; we have been married for twenty years
        grandma is visiting us next month; that shirt looks very good on you; my back hurts from all that gardening
        the washing machine is broken again; put the plates on the table dear; the kids have school tomorrow morning
        i cannot find the remote control; have you called your father yet; do you want some more tea; the coffee is getting cold
        let us go for a walk later; i am going to the store to get some apples; he works too much these days
        they say the weather will be better on friday; i read a good book on the plane; my phone is almost out of battery
        we missed the beginning of the show; the new teacher seems to be very kind; her flight lands at eight in the evening
        you look tired did you sleep badly; come over here and look at this; who ate the last piece of cake; why is the door still open
        she never answers her phone; i will take the car to the garage tomorrow; we had so much fun at the beach
        this soup needs a little more salt; the cat is sleeping on my sweater; what did the doctor say about your knee
        when are they going to fix the road; how was your day at work honey; the meeting took almost three hours
        my old computer is getting slower every day; i have to finish this report tonight; tom broke his arm while skiing
        we are invited to a party on sunday; she is learning to play the guitar; the garden looks lovely this summer
        our train leaves from the other platform; he has a terrible cold at the moment; the shop on the corner has closed
        i paid far too much for these shoes; remember to water the flowers; there is a letter for you on the desk
        i always get lost in that part of town; they are building a new bridge by the river; my uncle used to live near the sea
        nobody told me about the change of plan; the baby finally fell asleep; we need to clean the windows soon
        look at all those people outside; i should have taken the other road; pass me the salt; he ran ten miles yesterday
        the movie was longer than i expected; i put your book back on the shelf; dad is fixing the roof again
        she is always late for work; are the tickets in your bag; did you lock the front door; the boys are hungry after football
        they could not find a parking place; my hair is still wet; i heard a funny story at work today; the cake has to cool down first
        we stayed in a small hotel near the lake; the printer is out of paper
        """
    ),
)

CHAT_EVAL = lines(
    """
    the children are sleeping in the other room; i bought a new jacket at the market; my sister was late for dinner again
    we could leave a little later tonight; the phone is on the kitchen table; he forgot his wallet in the car
    grandma told me a good story yesterday; they are painting the house next week; i have to water the garden this evening
    somebody left a bag on the train; the new shop sells very good bread; my father has a meeting on friday
    did you see my old sweater; are the boys still playing football outside; where are the plates for the party
    we had tea with the neighbors; it rained on our walk by the river; the dog is hungry again i think
    she bought a guitar for her brother; the bus never comes on sunday morning; our window is broken since last weekend
    anna works in that small hotel; put the apples in the kitchen please dear; i read the letter from your uncle
    the show begins at eight tonight; tom is coming home by plane; i need new shoes for the summer; the road to the beach was closed
    he called me from the office; my computer fell from the desk; who is going to fix the roof; your tea is cold by now
    the teacher was very kind to the kids; we lost the keys to the garage; the flowers on the table look lovely
    she could not sleep on the train; dinner was a little too salty today; they live in a bigger town now
    i met your boss at the restaurant; the cat ate a piece of the cake
    """
)

# Sentences from the world's words: what the assistant's voice is trained on besides the answers.
SENTENCES = lines("""
    {animal} is near {place}.; I saw {animal} in {country}.; {color} is a nice color.; The {thing} is {color} and {quality}.
    We met {job} on {day}.; In {month} it is {quality} in {country}.; There are {number} people in the {room}.
    {number} and {number2} are numbers.; My {thing} was made in {country}.; On {day} I will travel to {city}.
    {job} from {city} has {number} children.; Please give {animal} some water.; It was a {quality} day in {month}.
    The {room} is {quality}, but the {thing} is {quality2}.; From {city} to {city2} it takes {number} hours.
    Can you see the {color} {thing}?; {animal} never sleeps in the {room}.; They have {number} {color} birds.
""")

SENTENCE_WORDS = {
    "animal": lines(
        """
        a dog; a cat; a cow; a sheep; a duck; a pig; a horse; an owl; a snake; a lion; a mouse; a bee; an elephant; a spider
        a tiger; a whale
        """
    ),
    "place": lines(
        """
        the river; the sea; the mountain; the school; the hospital; the bridge; the castle; the farm; the library; the old theater
        the road
        """
    ),
    "country": lines(
        """
        France; Germany; Spain; Italy; England; Japan; China; Egypt; Norway; Poland; Canada; Brazil; Mexico; Kenya; Peru; Turkey
        Russia
        """
    ),
    "city": lines(
        """
        Paris; Berlin; Madrid; Rome; London; Dublin; Moscow; Tokyo; Cairo; Athens; Lisbon; Oslo; Stockholm; Warsaw; Budapest
        Havana; Bern
        """
    ),
    "color": lines("red; green; blue; yellow; black; white; brown; orange; pink; gray"),
    "thing": lines(
        """
        hammer; umbrella; broom; spoon; camera; telescope; towel; oven; table; guitar; piano; bicycle; candle; sweater; board; paper
        """
    ),
    "quality": lines(
        """
        hot; cold; big; small; old; young; wet; dry; loud; quiet; clean; dirty; long; short; beautiful; strong; heavy; soft; empty
        """
    ),
    "job": lines("a teacher; a doctor; a farmer; a cook; a judge; a sailor; a miner; an actor; a waiter; a librarian"),
    "day": lines("Monday; Tuesday; Wednesday; Thursday; Friday; Saturday; Sunday"),
    "month": lines("January; February; March; April; May; June; July; August; September; October; November; December"),
    "number": lines(
        """
        two; three; four; five; six; seven; eight; nine; ten; eleven; twelve; sixty; one hundred; twenty four; twenty six; fifty
        """
    ),
    "room": lines("kitchen; house; garden; court; ship; restaurant; mine; room; hive; tower; valley"),
}
