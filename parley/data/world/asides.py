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
    okay hold on; hey hold on a minute; please hold on; hold it; just hold on; that is enough; that's enough; okay that's enough; enough
    enough please; okay enough; enough of that; that is enough for now; yeah that's enough now; be quiet; quiet please; please be quiet
    be quiet now; can you be quiet; silence please; be silent; shut up; please shut up; shut up now; never mind; oh never mind
    never mind that; okay never mind; forget it; forget about it; just forget it; please forget that; cancel; cancel that; cancel please
    pause; pause please; pause for a moment; please pause there; let me speak; let me talk; let me say something
    i want to say something; may i say something; listen to me; no listen; excuse me; excuse me please; sorry to interrupt
    sorry i have to interrupt you; no no no; no that is wrong; no not that; that is not what i asked; that is not my question
    i did not ask that; i don't want to hear this; not now; not now please; one moment please; one second; one second please
    give me a second; give me a moment; hang on; hang on a second; hey hang on; don't talk now; don't say more; no more please
    no more of this; skip it; skip this please; end it now; finish now please; you can end it there; stop stop please; alright stop
    right stop; now stop; just stop; just stop it; just stop talking; would you stop; would you please stop; will you stop now
    i said stop; i say stop; stop for a moment; stop for a second; stop for now; stop here please; let us stop here; we can stop here
    you may stop now; please stop there; please just stop; oh stop; oh please stop; stop this; stop this please; stop the talk
    stop speaking; please stop speaking; stop speaking now; stop that; stop that now; stop it now; stop it already; hey stop it
    okay stop it; wait a bit; wait a little; wait now; oh wait; okay wait a second; wait a second please; wait wait wait; wait stop
    stop wait; would you wait; can you wait; can you wait a moment; could you wait please; wait let me think; wait i have a question
    hold on please wait; hold on a bit; hold on now; oh hold on; can you hold on; could you hold on a second; hold on i have a question
    hold it there; hold it please; hold that thought; hold your tongue; that will do; that will do thank you; that is all i need
    that's all i need; that is all for now; that is fine thank you stop; okay that is all thanks; enough now; enough already
    enough talking; enough for today; enough of this please; i have heard enough; i heard enough; i know enough now; that was enough
    thanks that is enough; thank you that's enough; quiet; quiet now; hey quiet; quiet down; quiet down please; please quiet
    would you be quiet; could you be quiet now; be still; be still please; hush; hush now; silence; silence now; no more words
    not another word; no more talk; no more now; no more stories; i want silence; i need silence; i need it quiet; stay quiet
    keep quiet; keep quiet please; close your mouth; shut it; oh shut up; cut it; cut it out; cut it short; cut that out please; drop it
    drop it please; leave it; leave it there; leave it at that; let it go; let it be; break it off; break here please; take a break
    take a break please; make a pause; make a break now; can you pause; can you pause please; pause it; pause there; pause here
    pause right there; cancel it; cancel this; cancel the answer; abort; abort please; end; end it; end it please; end this now
    end of story; finish; finish it; finish here please; come to an end; come to an end please; to the end please; that's it thank you
    this is enough; forget that; forget it please; forget the question; oh forget it; forget what i said; never mind now
    never mind the rest; ah never mind; skip; skip that; skip the rest; skip to the end; please skip it; next; next please
    next question please; another question; i have another question; i have one more question; i have something to say
    i want to ask something else; let me ask something else; let me ask you something; can i ask something; may i ask something
    may i interrupt; can i interrupt you; let me interrupt; i must interrupt you; i have to stop you there; let me stop you there
    let me stop you; sorry stop; sorry wait; sorry but wait; pardon me; pardon me please; excuse me stop; excuse me but stop
    excuse me for a moment; one moment; just a moment; just a moment please; just a second; just a minute; just one second please
    a moment please; a second please; give me a minute; give me a break; hang on please wait; hang on there; oh hang on
    hang on a minute; can you hang on; no; no no; no please; no stop it; no thank you; no thanks; oh no stop; no that's not it
    no you are wrong; no i mean something else; wrong; that is wrong; that's wrong; this is wrong; that is not right
    that's not what i meant; that is not what i want; i meant something else; i mean something else; you got me wrong
    you did not understand me; that is not the answer; i did not want that; i don't want that; i don't want to know that
    i don't want to know; i don't need this; i don't need that now; i know that already; i know this already; i heard that already
    you said that already; this is boring; that is boring; i am bored stop; i don't care; i have no time for this; i have to go
    i have to go now stop; i must go stop; somebody is at the door wait; the phone is ringing wait; listen; listen please; listen now
    hey listen; hey listen to me; please listen; please listen to me; now listen to me; let me talk please; let me speak please
    let me speak now; now i want to talk; it is my turn; my turn now; my turn please; i want to talk; i want to speak; i am talking
    i am speaking now; i was talking; don't talk; don't talk please; don't say that; don't go on; please don't go on; don't continue
    do not continue; do not go on please; not any more; no need to go on; you don't need to continue; you can be quiet now
    you talk too much; you are talking too much; you are too loud; too much; that is too much; too long; that is too long
    this takes too long; make it short; shorter please; slow down; slow down please; hey slow down
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
    uh huh; mm hmm; mhm; hmm; ah; oh; aha; okay; okay okay; ok sure; yeah; yeah yeah; yes; yes yes; yep; right; right right; all right
    that's right; oh right; sure; sure sure; of course; i see; oh i see; yeah i see; ah i see; i understand; yeah i understand; got it
    okay got it; yeah got it; i got it; oh wow; wow; wow really; oh really; really; interesting; very interesting; that's interesting
    oh interesting; how interesting; nice; oh nice; very nice; that's nice; cool; that's cool; oh cool; great; that's great; oh great
    good; very good; that's good; go on; please go on; yes go on; okay go on; continue; please continue; keep going; tell me more
    i know; yeah i know; oh yes; oh yeah; oh okay; ah okay; ah yes; makes sense; that makes sense; yeah sure; yes sure; yes of course
    true; that's true; so true; exactly; yes exactly; amazing; that's amazing; uh huh yeah; mm hmm okay; right okay; uh; um hm; mm; mmm
    mhm mhm; mm hmm mm hmm; uh huh okay; uh huh right; uh huh sure; hmm okay; hmm yes; hmm interesting; hmm i see; ah yeah; ah right
    ah nice; ah good; ah sure; ah wow; ah really; ah of course; oh good; oh sure; oh wow okay; oh lovely; oh my; oh man; oh dear; oh boy
    oh my god; oh goodness; okay good; okay great; okay nice; okay yes; okay yeah; okay cool; okay wow; okay sure; okay i understand
    okay i know; okay fine; okay okay okay; yeah okay yeah; yeah of course; yeah nice; yeah cool; yeah true; yeah exactly; yeah good
    yeah wow; yeah that makes sense; yeah that's right; yeah i know that; yes okay; yes right; yes good; yes true; yes yes yes
    yes really; yes i know; yes that's true; yes that's good; yes absolutely; yup; yup yup; yep yep; aye; right yeah; right yes
    right i see; right of course; right sure; right good; right right right; sure thing; sure yeah; sure okay; sure i see
    sure of course; of course yes; of course of course; naturally; certainly; absolutely; definitely; indeed; yes indeed; very true
    quite so; quite right; just so; no doubt; for sure; no way; you don't say; is that so; is it; is that right; are you serious
    seriously; really now; really wow; no really; is that true; who knew; i had no idea; i didn't know that; i never knew that
    that's new to me; good to know; that's good to know; i see that; i see now; now i see; now i understand; now i get it; i get it
    yeah i get it; okay i get it; ah i get it; i get that; got you; gotcha; understood; okay understood; clear; all clear; that's clear
    fair enough; fine; that's fine; all good; good good; good stuff; good point; that's a good point; great great; how great; how nice
    how cool; how lovely; how sweet; how funny; how strange; how sad; lovely; that's lovely; sweet; that's sweet; fun; that's funny
    funny; that is fun; strange; that's strange; crazy; that's crazy; incredible; that's incredible; unbelievable; fantastic
    that's fantastic; wonderful; that's wonderful; beautiful; that's beautiful; brilliant; perfect; excellent; very cool; very true yes
    very well; well well; well okay; well sure; so nice; so cool; so interesting; so good; super; super cool; awesome; that's awesome
    impressive; that's impressive; fascinating; that's fascinating; that's so nice; that is interesting; that is nice; that is great
    that is good; that is cool; go ahead; please go ahead; yes please go on; yes continue; yes please continue; yeah keep going; keep on
    carry on; please carry on; tell me more please; and then; and then what; what then; what else; anything else; so then; go on go on
    i am listening; i'm listening; yes i am listening; i'm with you; i follow; i follow you; with you so far; so far so good; i agree
    yes i agree; i think so too; i believe it; i believe you; i bet; i guess so; i suppose so; i like that; i like it; i love that; ha
    ha ha; haha; heh; whoa; oh whoa; wow wow; wow amazing; wow great; wow cool; wow okay; yay; hooray; bravo; well done; thanks okay
    alright; alright alright; alright okay; alright then; alright i see; okay alright; yeah alright; ok; ok ok; ok right; ok yeah
    ok i see
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
        what are we having for dinner; when will you be home tonight; where is your brother today; why are you so late again
        did you talk to your mother; do you think she likes him; have you paid the bill yet; are you going to work tomorrow
        is your cold any better; can you pick up the kids at four; could you give me a hand with this box
        will you call me when you get there; shall we take the bus or walk; would you like another piece of pie
        what time do you have to get up; where did we park the car; when is your sister getting married
        how long have you been waiting here; how much did you pay for that coat; what happened to your bicycle
        why did she say that to you; did anybody feed the fish; did you bring the umbrella; did they tell you about the trip
        does your back still hurt; does he know that we are coming; do we have any eggs left; do you remember that little cafe
        have they finished the roof yet; is he still angry with me; is dad home already; are you cold; are you listening to me peter
        are these your gloves; are we late for the train; can we go home now mom; can you hear the baby crying
        can you believe what he said; could you close the door behind you; could we sit by the window; would you mind moving your car
        will they bring the children; should we invite the neighbors; what do you want for your birthday
        what did she say about the house; what is he doing in the kitchen; what are you looking for; what a lovely dress you have
        where are you going so early; where have you been all day; when did you start your new job; when are we leaving
        when does your plane land; why don't you sit down; how are your parents doing; how do you like my new hair
        tell your father that dinner is ready; tell her i said hello; tell me about your trip later; say hello to your wife from me
        give me the blue one please; give that back to your sister; bring me the newspaper from the table
        take your shoes off at the door; take the second street on the left; turn the music down please; turn off the stove
        put some more wood on the fire; put your toys away now; go and wash your hands; go to bed kids it is late
        come on we are going to miss it; come in and close the door; sit down and eat your breakfast; hurry up the bus is coming
        wait for your little brother; look at the time; look what the cat brought in; listen to this song anna; call me when you land
        call your aunt back please; don't forget your lunch box; don't touch that it is hot; don't worry about the dishes
        let me carry that for you; let us meet at the station at nine; let us order something to eat; let me know how it goes
        watch out for the step; hold my bag for a second tom; help me move this table; leave it on the stairs; pass me that towel
        try the soup and tell me what you think; open the window a little; lock the door when you leave; stay away from the water
        be careful with that glass; i will ask him when i see him; i will be there in ten minutes; i have never been so tired
        i have to pick up my suit; i think i left the oven on; i think it is going to rain again; i told you that it was too far
        i told him to wait outside; i am meeting sarah for coffee; i am so glad you came; i was at the dentist this morning
        i was going to call you; i want to paint this wall yellow; i want to go home; i do not like that new teacher
        i do not know where she went; i did not sleep at all; i need a new battery for my watch; i need to talk to you about something
        i saw your cousin in the park; i heard they are moving; i heard a strange noise outside; i found twenty dollars in my old coat
        i lost my umbrella again; i made you a sandwich; i bought two tickets for the concert; i feel much better today
        i hope the weather stays like this; i wish we had a bigger kitchen; i could eat a horse; you should see a doctor about that
        you should have told me; you never listen to me; you forgot your wallet at home; you left your phone in the bathroom
        you have to try this cake; you have some paint on your nose; you are going to be late; you are driving too fast
        you look great in that color; he is on his way home; he is watching football again; he got a dog for christmas
        he got the job after all; he used to play the drums; he never washes the dishes; he does not eat meat; he says the car is fine
        he broke the blue vase; he asked me to marry him; she is in a meeting until three; she is my best friend from school
        she is not at home right now; she got up at five this morning; she got a letter from the bank; she wants to be a doctor
        she wants us to come at eight; she does not want to go; she says hello; she made the curtains herself
        we are going to the mountains in june; we are almost out of gas; we are having fish tonight; we have to talk about the money
        we have been here before; we had a flat tire on the way; we had to wait for an hour; we should paint the fence
        we saw a fox in the garden; we used to live in that street; they are building a new school; they are on holiday until sunday
        they are never on time; they have three cats now; they have a big garden; they had a terrible fight; they want to sell the boat
        they did not even call; they came by train; they say it was an accident; it is too hot in here; it is your turn to cook
        it is on the top shelf; it is only a scratch; it was a present from my aunt; it was nobody's fault; it was so quiet last night
        it looks like snow; it takes me an hour to get there; it smells like something is burning; there is somebody at the door
        there is a spider in the bath; there is no more hot water; there was a long line at the bank; there are no seats left
        this is my friend michael; this chair is broken; this tea is too sweet; this bus is always full; that is not my coat
        that was a great dinner; that was the doctor on the phone; that movie was terrible; those were good times
        these shoes are killing me; the bank closes at four; the boss wants to see you; the lights went out again
        the kids had fun at the pool; the car will not start; the train was twenty minutes late; the tomatoes are almost ripe
        the dentist was very gentle; the new neighbors are loud; the party was a lot of fun; the river is very high this year
        the flight was delayed for hours; the doctor says i need to rest; the dinner is getting cold; the boys broke a window
        my feet hurt from all the walking; my boss is on holiday this week; my mother sends her love; my keys were in the car
        my train leaves in ten minutes; my brother is a terrible driver; my son starts school in september; my wife loves the garden
        my glasses are at home; my hands are freezing; your mother called twice; your hair looks nice today; your dinner is in the oven
        your bag is on the back seat; your turn to walk the dog; our daughter has the flu; our neighbors have a new baby
        our old house had a big kitchen; his father was a teacher too; his new car is very fast; her birthday is next tuesday
        her boyfriend is very tall; her sister lives abroad; their house is right by the sea; their dog bit the postman
        somebody stole my bike; somebody has to clean this up; nobody wants the last piece; everybody was there except you
        everybody knows that she is right; anyway i told him no; so i said to her just forget him; well that is what they told me
        oh by the way your aunt called; honey have you seen my belt; mom i am hungry; dad can you help me with this
        peter your coffee is ready; anna get your coat; hey guys dinner is ready; good to see you mary how have you been
        thank you for coming to the party anna; sorry i am late the traffic was awful; happy to see you again tom
        see you at the office then peter; good luck with the exam; have fun at the concert you two; sleep well children
        drive carefully it is icy out there; congratulations on the new house; nice shoes are they new
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
