"""Things, and the words for them, in the world `first`."""

from parley.data.world.wordings import Domain, Wordings

OPPOSITES = Domain(
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
)

COLORS = Domain(
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
)

MATERIALS = Domain(
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
)

UNITS = Domain(
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
)

TOOLS = Domain(
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
)
