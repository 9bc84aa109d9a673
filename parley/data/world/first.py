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
            what is the capital of {x}; what's the capital of {x}; which city is the capital of {x}
            what is the capital city of {x}; what is {x} capital city called; {x} has which capital
            what is the name of the capital of {x}; what city is the capital in {x}; do you know the capital of {x}
            the capital of {x} is which city; what capital does {x} have; what is {x}'s capital; which is the capital of {x}
            what is the main city of {x}; which city is {x}'s capital; the capital of {x} what is it
            what city is the capital of {x}; where is the government of {x}; which town is the capital of {x}
            is there a capital in {x} and what is it called; what is the capital of the country {x}
            what would be the capital of {x}; which capital belongs to {x}; where is the capital of {x}
            of {x} what is the capital; speaking of {x} what is its capital; about {x} i want to know the capital
            take {x} what is the capital there; when you think of {x} which city is its capital
            {x} is a country and its capital is what; if somebody says {x} which capital comes to mind
            i am thinking of {x} what is the capital; in the country {x} what is the main city; i live in {x} what is my capital
            if i go to {x} what is the capital there; you know {x} what is its capital; {x} what is its capital
            {x} the capital of it please; does {x} have a capital and which one; from {x} i only need the capital
            i have been to {x} but what is its capital; we learn about {x} what is its capital
            look at {x} on the map what is the capital; at school they asked for the capital of {x}
            what was the capital of {x} again; i forgot the capital of {x}; i need the capital of {x}; which city rules {x}
            the country is {x} and i want its capital; once more the capital of {x}; my question is about {x} what is its capital
            """,
            clauses="""
            the capital of {x}; what the capital of {x} is; which city is the capital of {x}; the name of the capital of {x}
            the capital city of {x}; how the capital of {x} is called; what city is the capital of {x}; what is the capital of {x}
            {x}'s capital; the name of {x}'s capital; which capital {x} has; where the capital of {x} is
            the city that is the capital of {x}; what the capital city of {x} is called; the main city of {x}
            what {x} has as its capital; which city rules {x}; where {x} has its capital; of {x} the capital
            """,
            orders="""
            name the capital of {x}; say the capital of {x}; give me the capital of {x}; name the capital city of {x}
            tell the capital of {x}; remember the capital of {x}; guess the capital of {x}; look up the capital of {x}
            name {x}'s capital; help me with the capital of {x}; show me the capital of {x}; find me the capital city of {x}
            answer with the capital of {x}; for the country {x} name the capital; take {x} and name its capital
            tell us the capital of {x}
            """,
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
            what is the exact opposite of {x}; what would be the opposite of {x}; which word means the opposite of {x}
            what's the word for the opposite of {x}; what do you say for the opposite of {x}; what is the reverse of {x}
            what is the contrary of {x}; what is the other side of {x}; and the opposite of {x} is; which word stands against {x}
            what is the opposite of the word {x}; what comes to mind as the opposite of {x}; {x} what is the opposite of it
            take the word {x} what is its opposite; if something is not {x} what is it then
            when i say {x} what do you say as the opposite; the word is {x} what is the opposite
            i say {x} and you say the opposite; if i say {x} what is the opposite; from {x} to its opposite what is it
            of the word {x} what is the opposite; i look for the opposite of {x}; what was the opposite of {x} again
            i forgot the opposite of {x}; i need the opposite of {x}
            something is {x} and something else is the opposite of that what is it; {x} and its opposite what is it
            not {x} but what; my word is {x} which word is against it; against {x} which word stands
            to {x} which word is the opposite; with the word {x} in mind what is its opposite; opposite of {x}
            the opposite of {x}; the opposite of {x} please
            """,
            clauses="""
            the opposite of {x}; what the opposite of {x} is; which word is the opposite of {x}
            a word that means the opposite of {x}; what is the opposite of {x}; the word for the opposite of {x}
            what the opposite of the word {x} is; what means the opposite of {x}; the contrary of {x}
            what would be the opposite of {x}; the opposite word of {x}; what is against {x}; which word goes against {x}
            of {x} the opposite; what one says for the opposite of {x}
            """,
            orders="""
            name the opposite of {x}; say the opposite of {x}; give me the opposite of {x}; give me the opposite word for {x}
            tell the opposite of {x}; guess the opposite of {x}; think of the opposite of {x}
            name a word that is the opposite of {x}; name the contrary of {x}; take {x} and say the opposite
            turn {x} around and name the opposite; answer with the opposite of {x}; show me the opposite of {x}
            for the word {x} name the opposite; tell us the opposite of {x}
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
            what's the color of {x}; {x} has which color; {x} is what color; what kind of color is {x}
            what color do you see on {x}; what color would you give {x}; what color has {x}; what is {x}'s color
            what color does {x} usually have; which color do you see on {x}; what is the usual color of {x}; of what color is {x}
            what's the usual color of {x}; what color should i paint {x}; what color is {x} normally
            how would you describe the color of {x}; what color comes to mind for {x}; do you know the color of {x}
            the color of {x} is what; {x} comes in which color; what color do people see when they see {x}; {x} what color is it
            take {x} which color does it have; think about {x} what color is it; when you see {x} what color do you see
            of {x} what is the color; i want to paint {x} which color do i need; speaking of {x} what color is it
            about {x} what is its color; if you saw {x} which color would you see; there is {x} in the picture what color is it
            i draw {x} which color do i take; for {x} which color should i use; at {x} you look and see which color
            on {x} which color do we see; {x} is of which color; what was the color of {x} again; i forgot the color of {x}
            i need the color of {x}; with which color is {x} painted; my question is about {x} what color is it
            you know {x} what color does it have; color of {x}; the color of {x} please; in a picture of {x} what color is it
            does {x} have a color and which one; look here is {x} what color is it
            """,
            clauses="""
            what color {x} is; the color of {x}; which color {x} has; what the color of {x} is; which color {x} is
            what color {x} has; which color {x} usually has; of what color {x} is; what is the color of {x}
            the usual color of {x}; what color {x} normally is; what color to paint {x}; the right color for {x}
            what the color {x} has is called; of {x} the color; which color people see on {x}; with which color to paint {x}
            """,
            orders="""
            name the color of {x}; say the color of {x}; give me the color of {x}; describe the color of {x}
            tell the color of {x}; guess the color of {x}; remember the color of {x}; think of {x} and name its color
            name the usual color of {x}; take {x} and name its color; show me the color of {x}; answer with the color of {x}
            for {x} name the color; look at {x} and say the color; tell us the color of {x}
            """,
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
            what kind of noise comes from {x}; what is the noise of {x}; what noise comes from {x}; what sounds does {x} make
            what kind of noise does {x} make; how does {x} talk; what do we hear from {x}; which noise is made by {x}
            what is the cry of {x}; what do you hear when {x} speaks; what word is there for the sound of {x}
            what does {x} say all day; how does {x} go; which noise does {x} make; do you know the sound of {x}
            what sound is made by {x}; the sound of {x} is what; {x} what sound does it make; take {x} what does it say
            think of {x} which noise does it make; when you meet {x} what do you hear; of {x} what is the sound
            speaking of {x} what sound does it make; about {x} what noise does it make; from {x} what do we hear
            when {x} is near what sound is that; there is {x} outside what does it say; imagine {x} what noise does it make
            at night {x} cries and how does it sound; like {x} how would you sound; you know {x} what does it say
            what was the sound of {x} again; i forgot the sound of {x}; i need the sound of {x}
            my question is about {x} what does it say; listening to {x} what do i hear
            in the story {x} speaks and what does it say; sound of {x}; the sound of {x} please
            does {x} make a sound and which one; how does it sound when {x} speaks; in which way does {x} talk
            """,
            clauses="""
            what sound {x} makes; what {x} says; which noise {x} makes; how {x} sounds; the sound of {x}; the sound that {x} makes
            what sound is made by {x}; what noise {x} makes; how {x} talks; the noise of {x}; the noise that {x} makes
            which sound comes from {x}; what kind of sound {x} makes; how {x} goes; what one hears from {x}; of {x} the sound
            with which noise {x} speaks; what is the noise that {x} makes
            """,
            orders="""
            make the sound of {x}; make a noise like {x}; imitate the sound of {x}; sound like {x}; name the sound of {x}
            do the sound of {x}; give me the sound of {x}; speak like {x}; tell the sound that {x} makes; name the noise of {x}
            say what {x} says; be {x} and make its sound; take {x} and make its noise; play {x} for me; answer like {x}
            for {x} make the sound; let me hear {x}; show me how {x} sounds
            """,
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
            what do people call a baby {x}; what is the baby of a {x} called; what's the baby of a {x}
            what do we call a young {x}; what is a young {x} called; what is the name for a baby {x}; how is a baby {x} called
            what is a little {x} called; what's a young {x} called; what is the young of a {x}; what would you call a baby {x}
            the baby of a {x} is called what; a young {x} has which name; do you know the word for a baby {x}
            which word is there for a young {x}; what's the name of a {x} baby; the {x} has a baby what is it called
            think of a {x} what is its baby called; a {x} and its baby what is the baby called; of a {x} what is the baby called
            speaking of a {x} what is the name of its baby; about the {x} how is its baby called
            when a {x} is very young what is it called; if a {x} is still a baby what do you call it; a small {x} is called what
            the young one of a {x} what is it called; from a {x} comes a baby called what
            you know the {x} what is its baby called; what was a baby {x} called again; i forgot how a baby {x} is called
            i need the word for a baby {x}; my question is about the {x} what is its baby called
            take a {x} what is its young called; before it is a {x} what is it called; with its mother the {x} walks what baby
            a mother {x} has what; the child of a {x} is called what; the baby of a {x} please
            a {x} that was just born is called what
            """,
            clauses="""
            what a baby {x} is called; how a baby {x} is called; the name of a baby {x}; the word for a baby {x}
            what you call a baby {x}; what a young {x} is called; the name for a baby {x}; what the baby of a {x} is
            how you call a little {x}; the word for a young {x}; what is a baby {x} called; the name of a little {x}
            what we call the young of a {x}; what the child of a {x} is called; of a {x} the baby
            which name the young of a {x} has; what is the word for a young {x}
            """,
            orders="""
            name a baby {x}; say the word for a baby {x}; give me the name of a baby {x}; say how a baby {x} is called
            name the baby of a {x}; tell the name of a baby {x}; name the young of a {x}; guess how a baby {x} is called
            give me the word for a young {x}; say what a little {x} is called; take a {x} and name its baby
            show me the word for a baby {x}; answer with the name of a baby {x}; for the {x} name the baby
            think of a {x} and name its young; tell us how a baby {x} is called
            """,
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
            how many legs do you see on {x}; how many legs are under {x}; how many legs does {x} stand on
            how many legs does {x} need; what is the leg count of {x}; with how many legs is {x} made
            how many legs do i count on {x}; {x} stands on how many legs; how many legs are on {x}
            how many legs does {x} usually have; the number of legs of {x} is what; do you know how many legs {x} has
            what number of legs has {x}; {x} how many legs does it have; take {x} how many legs are there
            look at {x} how many legs do you see; of {x} how many legs are there; speaking of {x} how many legs does it have
            about {x} how many legs does it have; on {x} how many legs do you count
            when {x} stands how many legs are on the ground; think of {x} how many legs does it have
            here is {x} how many legs has it got; i draw {x} how many legs do i need; for {x} how many legs should i draw
            under {x} how many legs are there; to {x} belong how many legs; from {x} how many legs hang down
            you know {x} how many legs does it have; what was the number of legs of {x} again; i forgot how many legs {x} has
            i need the number of legs of {x}; my question is about {x} how many legs does it have; does {x} have legs and how many
            legs of {x} how many are there; how many legs can you count on {x}; the legs of {x} please
            """,
            clauses="""
            how many legs {x} has; the number of legs of {x}; how many legs {x} stands on; what number of legs {x} has
            how many legs are on {x}; how many legs does {x} have; how many legs {x} needs; with how many legs {x} stands
            the leg count of {x}; how many legs there are on {x}; what number of legs {x} stands on; of {x} the number of legs
            how many legs {x} has got; how many legs you count on {x}; how many legs to draw for {x}
            """,
            orders="""
            count the legs of {x}; say how many legs {x} has; give me the number of legs of {x}; name the number of legs of {x}
            tell the number of legs of {x}; guess how many legs {x} has; think of {x} and count the legs
            count all the legs of {x}; give me the leg count of {x}; take {x} and count its legs; look at {x} and count the legs
            show me how many legs {x} has; answer with the number of legs of {x}; for {x} count the legs
            tell us how many legs {x} has
            """,
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
            what is {x} of all; how is {x} called; do you know {x}; what is known as {x}; what would be {x}
            can you say what {x} is; what is {x} called; which is {x}; what's {x} in the world; what's the name of {x}
            what may {x} be; so what is {x} of them all; what is {x} on earth or in space; is there a name for {x}; {x} is what
            {x} has which name; which one would be {x}; what do you know as {x}; what name does {x} have; of them all what is {x}
            in the whole world what is {x}; speaking of {x} what is its name; about {x} i want to know its name
            we look for {x} what is it; i look for {x} what is it called; when people say {x} what do they mean; {x} please
            what was {x} again; i forgot what {x} is; i need the name of {x}; you know {x} what is it called
            my question is about {x} what is it; in the book of records what is {x}; at school they asked for {x} what is it
            think of {x} what is its name; who or what is {x}; as {x} we know what; under the name of what do we know {x}
            {x} in the world is what; everybody talks of {x} what is it; is it known what {x} is; for a quiz i need {x}
            tonight i read about {x} what is it called; among all of them which is {x}
            """,
            clauses="""
            what {x} is; the name of {x}; which one is {x}; what {x} is called; the name of {x} in the world; what {x} may be
            what is {x}; what the name of {x} is; which name {x} has; what {x} in the world is; the one that is {x}
            how {x} is called; of all of them {x}; which of them is {x}; what we know as {x}; how people call {x}
            """,
            orders="""
            name {x}; say the name of {x}; give me the name of {x}; name {x} in the world; tell the name of {x}; guess {x}
            look up {x}; remember the name of {x}; say what {x} is; help me to find the name of {x}; think of {x} and name it
            show me {x}; answer with {x}; for my quiz name {x}; take a guess what {x} is; tell us what {x} is; find me {x}
            """,
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
            what do i need to make {x}; what's {x} made of; what's {x} made from; what is {x} made out of; what does {x} come from
            what is in {x}; what is inside of {x}; what do you take to make {x}; of what is {x} made; what material is {x}
            what is the main thing in {x}; what do we make {x} out of; where does {x} come from; what is needed for {x}
            what stuff is {x} made of; which stuff makes {x}; {x} what is it made of; take {x} what is it made of
            of {x} what is the material; speaking of {x} what is it made from; about {x} what is it made of
            think of {x} from what do people make it; when people make {x} what do they take; to get {x} what do you need
            for {x} what do people take; i eat or use {x} but what is it made of; here is {x} what is it made of
            i see {x} what did they make it of; with what do they make {x}; inside of {x} what is there
            before it was {x} what was it; what becomes {x} in the end; out of which stuff comes {x}
            you know {x} what is it made of; made of what is {x}; what was {x} made of again; i forgot what {x} is made of
            i need to know what {x} is made of; my question is about {x} what is it made of
            in the factory they make {x} from what; if you make {x} what do you begin with
            """,
            clauses="""
            what {x} is made of; what {x} is made from; how {x} is made; what you need to make {x}; what is used to make {x}
            what {x} comes from; out of what {x} is made; what is needed to make {x}; what is {x} made of
            what stuff {x} is made of; the material of {x}; of what stuff people make {x}; of {x} the material
            with what {x} is made; what people take to make {x}
            """,
            orders="""
            say what {x} is made of; name what {x} is made from; explain what {x} is made of; tell what {x} is made of
            name what is needed to make {x}; guess what {x} is made of; name the stuff of {x}; say what you need to make {x}
            teach me what {x} is made of; take {x} and say what it is made of; look at {x} and say what it is made of
            show me what {x} is made of; answer with the stuff of {x}; for {x} name the material; tell us what {x} is made of
            """,
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
            what do they speak in {x}; what is spoken in {x}; what's the language in {x}; which language do people speak in {x}
            what language do people use in {x}; what do people speak in {x}; which language do they use in {x}
            what is the main language in {x}; what language is spoken in {x}; which language has {x}
            what language should i learn for {x}; which language belongs to {x}; what is the mother tongue in {x}
            what's the language of {x}; what language is used in {x}; how do they speak in {x}; people in {x} speak what language
            which language do the people of {x} speak; {x} what language do they speak there
            take {x} which language is spoken there; of {x} what is the language
            speaking of {x} which language do they speak there; about {x} i want to know the language
            think of {x} what do people speak there; when i am in {x} what language do i hear
            in {x} people talk in which language; i go to {x} what language do i need there; for {x} which language do i need
            if somebody comes from {x} what does he speak; my friend lives in {x} what does she speak
            from {x} comes a man and what does he speak; down in {x} what do they all speak; you know {x} what do they speak there
            what was the language of {x} again; i forgot the language of {x}; i need the language of {x}
            the language of {x} please; my question is about {x} what do they speak there
            at school in {x} which language do the children speak; all over {x} people speak what
            what language do you speak when you are from {x}; on the radio in {x} which language is it
            """,
            clauses="""
            what language they speak in {x}; which language is spoken in {x}; the language of {x}
            the language that people speak in {x}; what people speak in {x}; which language people use in {x}
            what language is spoken in {x}; what is the language in {x}; the main language of {x}; what they speak in {x}
            which language to learn for {x}; what language you hear in {x}; of {x} the language; which language helps in {x}
            in {x} which language they use
            """,
            orders="""
            name the language of {x}; say which language they speak in {x}; give me the language of {x}; tell the language of {x}
            guess the language of {x}; name the main language of {x}; name the language they speak in {x}
            say what people speak in {x}; look up the language of {x}; take {x} and name its language; show me the language of {x}
            answer with the language of {x}; for {x} name the language; think of {x} and name its language
            tell us what they speak in {x}
            """,
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
            how many {x} do you find in {z}; how many {x} are inside {z}; how many {x} are part of {z}
            how many {x} does {z} count; how many {x} are needed for {z}; how many {x} go into {z}
            how many {x} can you count in {z}; {z} is made of how many {x}; how many {x} make up {z}
            what is the count of {x} in {z}; how many {x} does {z} usually have; in {z} there are how many {x}
            the number of {x} in {z} is what; how many {x} has {z}; how many of the {x} are there in {z}
            do you know how many {x} {z} has; {z} how many {x} are in it; take {z} how many {x} are there
            of {x} how many are in {z}; speaking of {z} how many {x} does it have; about {z} how many {x} does it have
            think of {z} how many {x} are there; the {x} of {z} how many are there; {x} in {z} how many
            when you have {z} how many {x} is that; to get {z} how many {x} do you take; i have {z} how many {x} is that
            inside of {z} you find how many {x}; to {z} belong how many {x}; you know {z} how many {x} has it
            with {z} how many {x} do i get; what was the number of {x} in {z} again; i forgot how many {x} are in {z}
            i need the number of {x} in {z}; my question is about {z} how many {x} are there; does {z} have {x} and how many
            out of how many {x} is {z} made; there are how many {x} in {z}; one after the other how many {x} are in {z}
            the number of {x} in {z} please
            """,
            clauses="""
            how many {x} are in {z}; how many {x} {z} has; the number of {x} in {z}; how many {x} there are in {z}
            how many {x} make {z}; how many {x} make up {z}; what number of {x} {z} has; how many {x} go into {z}
            how many {x} are there in {z}; how many {x} you count in {z}; the count of {x} in {z}; how many {x} are part of {z}
            of {z} the number of {x}; how many {x} are inside {z}; how many {x} {z} has got; how many {x} you need for {z}
            """,
            orders="""
            count the {x} in {z}; say how many {x} are in {z}; give me the number of {x} in {z}; tell the number of {x} in {z}
            guess how many {x} {z} has; name the number of {x} in {z}; count how many {x} {z} has; count all {x} of {z}
            say how many {x} make {z}; take {z} and count the {x}; look at {z} and count its {x}; show me how many {x} are in {z}
            answer with the number of {x} in {z}; for {z} count the {x}; tell us how many {x} are in {z}
            """,
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
            what do people do with {x}; why do people use {x}; what is {x} good for; what does {x} help with; what's {x} for
            what is {x} good at; what do i need {x} for; what is the purpose of {x}; how do people use {x}; what do we do with {x}
            when do you need {x}; what job does {x} do; why do i have {x}; what can you do with {x}; what can people do with {x}
            what is {x} made for; how do i use {x}; what is the use of {x}; what do i do with {x}; which work is done with {x}
            {x} what is it for; take {x} what do you do with it; here is {x} what is it good for; of {x} what is the use
            speaking of {x} what is it for; about {x} i want to know what it is for; think of {x} what do people do with it
            when somebody takes {x} what does he do; i found {x} what can i do with it; i bought {x} what is it for
            with {x} what do people do; with {x} in my hand what can i do; there is {x} at home but what for
            in which work does {x} help; you know {x} what is it for; what was the use of {x} again; i forgot what {x} is for
            i need to know what {x} is for; my question is about {x} what is it for; to do what do people take {x}
            at home {x} is used for what; for what do people buy {x}; for what is {x} used; what would i do with {x}
            if you have {x} what do you do with it; why did they make {x}
            """,
            clauses="""
            what {x} is for; what {x} is used for; what people do with {x}; what i can do with {x}; how to use {x}
            what the purpose of {x} is; what i need {x} for; why people have {x}; what we use {x} for; how people use {x}
            what is {x} for; what {x} is good for; when to use {x}; for what {x} is used; of {x} the use; what one does with {x}
            what work is done with {x}; in which work {x} helps
            """,
            orders="""
            explain what {x} is for; say what people use {x} for; tell me the use of {x}; tell what {x} is for
            explain the purpose of {x}; explain how to use {x}; say what {x} is good for; teach me how to use {x}
            explain why people have {x}; take {x} and say what it is for; look at {x} and say what it is for
            show me how to use {x}; answer what {x} is for; for {x} name the use; tell us what to do with {x}
            """,
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
            which place does {x} work in; where do you meet {x}; where is {x} at work; where do i find {x}
            in which place does {x} work; where does {x} do the job; where is {x} during the day; at what place does {x} work
            where would i find {x}; what is the place where {x} works; where can you meet {x}; where can we see {x} at work
            where does {x} spend the day; in which building or place is {x}; where do people meet {x}; {x} where does he work
            take {x} where is the work; of {x} where is the workplace; speaking of {x} where does he work
            about {x} i want to know where he works; think of {x} where does she work; when {x} goes to work where is that
            i need {x} where do i go; i want to meet {x} where do i go; in the morning {x} goes to work but where
            my brother is {x} where does he work; my sister is {x} where does she work; for {x} where is the work
            as {x} where do you work; if you are {x} where do you work; if i want to be {x} where will i work
            with {x} i want to speak where is that; you know {x} where does he work; what was the workplace of {x} again
            i forgot where {x} works; i need to know where {x} works; my question is about {x} where does he work
            all day {x} is in which place; to see {x} at work where must i go; the workplace of {x} please
            in what kind of place is {x} at work
            """,
            clauses="""
            where {x} works; in what place {x} works; where to find {x}; the place where {x} works; the workplace of {x}
            where {x} is at work; where to meet {x}; where you can find {x}; in which place {x} works; where does {x} work
            where {x} spends the day; what the workplace of {x} is; where to look for {x}; of {x} the workplace
            in which place to find {x}; where people meet {x}; where the work of {x} is done
            """,
            orders="""
            name the place where {x} works; say where {x} works; name the workplace of {x}; tell where {x} works
            guess where {x} works; name the place of work of {x}; say where to find {x}; tell the workplace of {x}
            say in which place {x} works; explain where {x} works; take {x} and name the workplace
            think of {x} and say where the work is; show me where {x} works; answer where {x} works
            for {x} name the place of work; tell us where {x} works
            """,
        ),
        held_out=Wordings(
            questions="to which place does {x} go for work; if i look for {x} where should i go; where is {x} working usually",
            clauses="at which place {x} does the work",
            orders="describe where {x} goes to work",
        ),
    ),
)
