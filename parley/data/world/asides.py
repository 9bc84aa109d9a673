"""What is said that asks for nothing.

`*_TRAIN` is heard in training, `*_EVAL` only in evaluation; no sentence is in both, but most words of the second are in the first.
"""

from itertools import product

from parley.data.world.wordings import lines

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
