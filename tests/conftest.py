"""For all tests: how long an example takes is the machine's affair, and no finding."""

from hypothesis import settings

settings.register_profile("brownout", deadline=None)
settings.load_profile("brownout")
