"""Small talk and long answers of the world `first`, which are also in the world `full`."""

from parley.data.world.wordings import Topic, lines, stories

SMALL_TALK = (
    Topic(
        answer="Hello, nice to hear you.",
        keywords="hello",
        known=lines("""
            hello; hi; hello there; hi there; good day; hello my friend; hey hello; hello assistant; hi assistant; hey hi there
            well hello; hello hello; hi hi; hey; hey there; hey you; hello my dear; hi my friend
            hi i am here; greetings; hello computer; hello parley; hi parley; hey parley
            hey hey; hello and good day; okay hello; so hello; hello everybody
            hello how nice to meet you; good to hear you
            anybody home; a good day to you; good to see you
            hello it is me; hi it is me; i am back; hello i am back; hey what is up; hello nice to see you
            """),
        held_out=lines("hello to you; oh hi hello; hello again"),
    ),
    Topic(
        answer="I am fine, thank you.",
        keywords="fine",
        known=lines("""
            how are you; how are you today; how are you doing; how do you feel; how do you feel today; are you fine
            hey how are you doing; hello how are you; tell me how you feel; and how are you today; are you doing well today
            how do you do; how is it going; how are things; how are you my friend; hi how are you; are you okay; are you well
            is everything okay with you; are you doing fine; so how are you; how are you this morning; how are you tonight
            how have you been; i hope you are fine; how is your day; how was your day; are you feeling well; hey how are you today
            please tell me how you are; can you tell me how you are; what about you how are you; are you happy today; how goes it
            hey are you okay
            how are you feeling; how do you feel right now; how is life; how is everything; is everything fine; all well with you
            and you how are you; are you alright; are you in a good mood; are you having a good day; how are you my dear
            i want to know how you are; you sound good how are you; how has your day been; did you sleep well
            """),
        held_out=lines("how are you feeling today; so how do you do; are you feeling fine"),
    ),
    Topic(
        answer="My name is Parley.",
        keywords="parley",
        known=lines("""
            what is your name; what's your name; tell me your name; who are you; what are you called; can you tell me your name
            say your name; how should i call you; please tell me your name; do you have a name; may i know your name; your name please
            what do they call you; what do people call you; who am i talking to; who are you please; and who are you
            so what is your name; what is your name please; hey what is your name; say what your name is; tell me who you are
            what is the name of this assistant; do you have a name at all; what may i call you; who is speaking; who is this
            with whom do i speak; could you tell me your name; i want to know your name; i don't know your name; hello who are you
            hello what is your name; what was your name again; please say your name
            what name did they give you; by what name do people know you; which name is yours; is your name parley; your name is what
            introduce yourself; please introduce yourself; may i ask your name; what is it that they call you; who is there
            could you say your name; who is on the line; i forgot your name; and your name is; how are you called
            """),
        held_out=lines("what name do you have; which name should i call you; i would like to hear your name"),
    ),
    Topic(
        answer="Good morning to you.",
        keywords="morning",
        known=lines("""
            good morning; a good morning to you; good morning my friend; hey good morning; oh good morning; very good morning
            hello good morning; morning; good morning parley; good morning my dear; good morning everybody; good morning to you
            a good morning; hi good morning; so good morning; okay good morning; well good morning; morning my friend
            good morning how nice; i say good morning; good morning computer; good morning there; yes good morning
            i wish you a good morning
            good morning and hello; it is morning good morning; oh what a good morning; i just woke up good morning; good good morning
            the sun is up good morning; good morning how are things
            """),
        held_out=lines("a very good morning; hi and good morning; good morning assistant"),
    ),
    Topic(
        answer="Good night, sleep well.",
        keywords="night",
        known=lines("""
            good night; i am going to bed good night; good night my friend; i say good night; okay good night; time to sleep good night
            hey good night; good night parley; good night everybody; good night to you; good night computer; a good night
            good night now; oh good night; so good night; good night and sleep well; i am tired good night
            i am going to sleep good night; i wish you a good night; it is late good night; have a good night
            i go to bed now good night; sleep well; sleep well my friend; time for bed good night
            i am sleepy good night; it is dark good night; i will sleep now; i am going to sleep; see you in the morning good night
            good good night; the day is over good night; sweet dreams; have sweet dreams
            """),
        held_out=lines("well good night then; i go to sleep good night; a good night to you"),
    ),
    Topic(
        answer="You are welcome.",
        keywords="welcome",
        known=lines("""
            thank you; thanks a lot; thank you very much; thank you so much; many thanks; thanks for your help; thank you for the help
            thanks; okay thank you; thank you my friend; great thank you; thank you parley; thank you computer; thank you that was great
            thank you for this; thank you for the answer; thanks for the answer; thanks my friend; thanks very much
            that was helpful thank you; very kind thank you; thank you for telling me; i thank you; i thank you very much
            well thank you; oh thank you; nice thank you; good thank you; alright thank you; a thousand thanks; thank you that is kind
            thank you for everything; that helped me thanks; okay thanks; great thanks; thanks that is all; thank you that is all
            that is nice of you thank you; how kind thank you; i am grateful; thank you for being here
            thank you for talking to me
            a big thank you; thanks again; thank you again; perfect thank you; wonderful thank you
            you helped me a lot; that was nice thanks
            """),
        held_out=lines("thanks so much; thank you for all the help; oh many thanks"),
    ),
    Topic(
        answer="Goodbye, see you soon.",
        keywords="goodbye",
        known=lines("""
            goodbye; bye bye; bye; see you later; i have to go now goodbye; goodbye my friend; okay bye; goodbye for now
            see you tomorrow; so goodbye then; goodbye parley; bye parley; bye for now; goodbye everybody; goodbye and thank you
            bye my friend; well bye; bye bye now; i must go now goodbye; i am leaving goodbye; see you soon; see you; see you then
            see you next time; until next time; until tomorrow; that is all goodbye; i have to leave now; i have to leave bye
            have a nice day goodbye; have a nice day; talk to you later; so long; i say goodbye; okay see you; goodbye then
            good day and goodbye
            i am off goodbye; i am done goodbye; time to go goodbye; we are finished goodbye; farewell; take care; take care goodbye
            i will be back bye; bye see you tomorrow; it is late i must go bye; goodbye dear; till next time; i am going home bye
            """),
        held_out=lines("bye and see you; well goodbye now; okay goodbye see you later"),
    ),
    Topic(
        answer="I was made from many small numbers.",
        keywords="numbers",
        known=lines("""
            who made you; who built you; who created you; how were you made; who is your maker; tell me who made you
            do you know who made you; what are you made of; how did they make you; who has made you; tell me how you were made
            who invented you; who has built you; where do you come from; where are you from; how did you come to life; who trained you
            who wrote you; who is your father; who is your mother; how do you work; what is inside of you; tell me how you work
            tell me where you come from; can you tell me who made you; do you know how you were made; from what are you made
            who programmed you; who are your parents; how were you born; when were you made and how; how are you made
            what are you made from
            who put you together; who is behind you; which people made you; where were you born; how old are you and who made you
            who developed you; who designed you; what made you; what is your origin; how did somebody make you; are you made by people
            """),
        held_out=lines("by whom were you made; who was it that built you; how were you built and made"),
    ),
    Topic(
        answer="I can answer short questions.",
        keywords="questions",
        known=lines("""
            what can you do; what can i ask you; how can you help me; what do you know; tell me what you can do; what are you able to do
            what questions can i ask; can you help me; what can you do for me; how do you help people; please help me
            what can i do with you; what are you good for; what are you for; what can we talk about; what can i talk about with you
            what do you do; what is your job; how do you work for me; tell me how you can help me; can you help; i need help
            i need some help; help me; help; could you help me; what should i ask you; what may i ask you; what are you good at
            what things do you know; tell me what you know; which things can you do; show me what you can do; so what can you do
            what are your skills; what is it that you can do; tell me about your skills; what do you offer; what are you here for
            with what can you help me; can you do something for me; what can you tell me; what can you answer; how can i use you
            what else can you do; explain what you can do; i do not know what to ask you; give me an idea what to ask
            """),
        held_out=lines("what kind of help can you do; which questions can i ask you; what could you do to help me"),
    ),
    Topic(
        answer="Why did the robot sleep? It was out of energy.",
        keywords="robot",
        known=lines("""
            tell me a joke; do you know a joke; say something funny; make me laugh; can you tell me a joke; i want to hear a joke
            a joke please; please tell me a joke; tell me something funny; give me a joke; do you know something funny; say a joke
            one joke please; a funny joke please; do you know any jokes; do you know any good jokes; tell me one of your jokes
            tell us a joke; could you tell me a joke; say something to make me laugh; i want to laugh; can you make me laugh
            please make me laugh; do you have a joke for me; do you have a joke; are you funny; be funny; can you be funny
            tell me your best joke; what is your best joke; give me something to laugh about; hey tell me a joke; okay tell me a joke
            now a joke; how about a joke; come on tell me a joke; can you say something funny
            a joke; joke please; another joke please; do you know something to laugh about; cheer me up; i am sad tell me a joke
            something funny please; can you be funny for me; what is a good joke; i need a joke; entertain me; know any jokes
            """),
        held_out=lines("let me hear a joke; is there a funny joke you know; i would like a good joke"),
    ),
    Topic(
        answer="Yes, I am a small computer program.",
        keywords="computer",
        known=lines("""
            are you a robot; are you a computer; are you a machine; are you human; are you a real person; tell me are you a robot
            you are a robot; am i talking to a computer; are you alive; is this a computer; are you a person or a machine
            are you a program; are you a computer program; are you real; are you a human being; are you a person
            are you a man or a machine; are you a woman; are you a real human; what are you; what are you really; is this a machine
            is this a robot; is this a real person; am i talking to a person; am i talking to a machine; am i talking to a human
            do you have a body; are you living; do you live; so are you a robot; hey are you a robot; tell me what you are
            can you tell me if you are human; you are not human right; are you artificial; are you software
            are you a thing or a person; are you just a machine; are you only a computer; do i talk to a robot
            do i talk to a computer
            is there a human on the line; you are a machine right; you sound like a robot; are you an actual person
            are you something living
            am i talking with a real person; tell me the truth are you human; what kind of thing are you
            """),
        held_out=lines("is it a robot or a person; so are you really human; do i speak to a machine"),
    ),
    Topic(
        answer="I like quiet music.",
        keywords="music",
        known=lines("""
            do you like music; what music do you like; which music do you like; do you listen to music; what is your favorite music
            tell me what music you like; what kind of music do you like; do you enjoy music; is there music that you like
            your favorite music please; what music do you listen to; what music do you enjoy; do you like songs; what songs do you like
            what is your favorite song; which music is your favorite; do you like rock music; do you love music
            what kind of music do you listen to; what do you think of music; do you ever listen to music
            tell me something about the music you like; can you tell me what music you like; are you a friend of music
            is music nice for you; what music is good; so do you like music; hey do you like music; which songs do you like
            do you have a favorite song; do you have favorite music
            do you have music that you like; which music makes you happy; is there a song that you love; what do you like to hear
            what music should i listen to; do you dance to music; which band do you like; do you know music
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
