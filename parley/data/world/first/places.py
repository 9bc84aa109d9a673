"""Countries and records of the world `first`."""

from parley.data.world.wordings import Domain, Wordings

CAPITALS = Domain(
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
)

LANGUAGES = Domain(
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
)

RECORDS = Domain(
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
)
