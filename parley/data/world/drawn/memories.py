"""What a user tells of himself, and asks for later."""

from dataclasses import dataclass

from parley.data.world.wordings import lines


@dataclass(frozen=True)
class Memory:
    """`{x}` is the value that is told."""

    values: tuple[str, ...]
    told: tuple[str, ...]
    told_held_out: tuple[str, ...]
    reply: str
    asked: tuple[str, ...]
    asked_held_out: tuple[str, ...]
    answer: str


MEMORIES = (
    Memory(
        lines("""
        Anna; Peter; Maria; George; Linda; Thomas; Emma; David; Julia; Robert; Laura; Michael; Sarah; Daniel; Sophie; Martin; Alice
        Frank; Nina; Oscar; Paula; Victor; Helen; Simon; Lucy; Arthur; Clara; Henry; Eva; Felix
        """),
        lines("""
        my name is {x}; i am {x}; hello my name is {x}; hi i am {x}; call me {x}; you can call me {x}; please call me {x}
        hello i am {x}; my first name is {x}; this is {x}
        """),
        lines("hey there my name is {x}; everybody calls me {x}; {x} is my name"),
        "Nice to meet you, {x}.",
        lines("""
        what is my name; what's my name; do you know my name; who am i; tell me my name; say my name; do you remember my name
        can you tell me my name; what was my name; please say my name
        """),
        lines("which name did i tell you; how am i called; do you still know my name"),
        "Your name is {x}.",
    ),
    Memory(
        lines("red; green; blue; yellow; black; white; brown; orange; pink; gray; purple; silver"),
        lines("""
        my favorite color is {x}; i like the color {x}; the color i like is {x}; i love the color {x}; my color is {x}
        the best color is {x}; i like {x} the most; {x} is my favorite color
        """),
        lines("of all colors i like {x}; the color that i love is {x}"),
        "A very nice color.",
        lines("""
        what is my favorite color; which color do i like; what color do i like; what's my favorite color; do you know my favorite color
        tell me my favorite color; do you remember my favorite color; what was my favorite color
        """),
        lines("which color did i tell you; what color was it that i like"),
        "You like {x}.",
    ),
    Memory(
        lines("""
        Paris; Rome; Madrid; Berlin; Tokyo; Cairo; London; Dublin; Oslo; Moscow; Athens; Lisbon; Vienna; Prague; Warsaw; Boston; Chicago
        Dallas; Denver; Toronto
        """),
        lines("""
        i live in {x}; i am from {x}; my home is {x}; i come from {x}; i have a house in {x}; my city is {x}; my home is in {x}
        we live in {x}
        """),
        lines("the city i live in is {x}; {x} is my home"),
        "A very nice city.",
        lines("""
        where do i live; where am i from; where is my home; in which city do i live; do you know where i live; tell me where i live
        what city am i from; do you remember where i live
        """),
        lines("in what city is my home; which city did i tell you"),
        "You live in {x}.",
    ),
    Memory(
        lines("a dog; a cat; a horse; a rabbit; a parrot; a turtle; a mouse; a snake; a pony; a goldfish; a hamster; a duck"),
        lines("""
        i have {x}; i have {x} at home; my pet is {x}; we have {x}; there is {x} in my house; i got {x}; i own {x}; my pet at home is {x}
        """),
        lines("at home there is {x}; for a pet i have {x}"),
        "A very nice pet.",
        lines("""
        what pet do i have; which animal do i have; what is my pet; which pet do i have; do you know my pet; tell me what pet i have
        do you remember my pet; what animal do i have
        """),
        lines("which pet did i tell you about; what animal was it that i have"),
        "You have {x}.",
    ),
    Memory(
        lines("""
        ten; twelve; fifteen; eighteen; twenty; twenty five; thirty; thirty five; forty; fifty; sixty; seventy; eighty; eleven; nineteen
        """),
        lines("""
        i am {x} years old; my age is {x}; i am {x}; today i turn {x}; i just turned {x}; i am already {x}; i am {x} years old today
        i turned {x} this year
        """),
        lines("i have lived for {x} years; my birthday made me {x}"),
        "That is a good age.",
        lines("""
        how old am i; what is my age; do you know my age; tell me my age; do you know how old i am; what's my age
        do you remember my age; tell me how old i am
        """),
        lines("which age did i tell you; how many years old am i"),
        "You are {x}.",
    ),
)
