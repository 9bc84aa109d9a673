"""What lives, in the world `first`."""

from parley.data.world.wordings import Domain, Wordings

SOUNDS = Domain(
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
)

BABIES = Domain(
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
)

LEGS = Domain(
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
)

JOBS = Domain(
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
)
