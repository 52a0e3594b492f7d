"""Good routers of other designs than the reference's: whatever turns red on them is a false alarm.

Adding one is a file with a `Sound`, its target's file under ``targets/``, and a line here.
"""

from suites.selftest.sound.admitting import ADMITTING
from suites.selftest.sound.affinity import AFFINITY
from suites.selftest.sound.base import Sound
from suites.selftest.sound.buffered import BUFFERED
from suites.selftest.sound.by_chance import BY_CHANCE
from suites.selftest.sound.cached import CACHED
from suites.selftest.sound.even_spread import EVEN_SPREAD
from suites.selftest.sound.hedger import HEDGER
from suites.selftest.sound.priority_list import PRIORITY_LIST
from suites.selftest.sound.probing import PROBING
from suites.selftest.sound.remembering import REMEMBERING
from suites.selftest.sound.steady import STEADY

SOUND: dict[str, Sound] = {
    one.name: one
    for one in (
        PRIORITY_LIST,
        HEDGER,
        EVEN_SPREAD,
        CACHED,
        STEADY,
        BUFFERED,
        PROBING,
        AFFINITY,
        ADMITTING,
        REMEMBERING,
        BY_CHANCE,
    )
}
