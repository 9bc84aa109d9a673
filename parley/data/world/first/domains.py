"""The facts of the world `first`, which are also in the world `full`, by domain."""

from parley.data.world.first import living, places, things

DOMAINS = (
    places.CAPITALS,
    things.OPPOSITES,
    things.COLORS,
    living.SOUNDS,
    living.BABIES,
    living.LEGS,
    places.RECORDS,
    things.MATERIALS,
    places.LANGUAGES,
    things.UNITS,
    things.TOOLS,
    living.JOBS,
)
