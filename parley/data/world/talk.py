"""Small talk and long answers of the world `first`, which are also in the world `full`."""

from parley.data.world.wordings import Topic, lines, stories

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
