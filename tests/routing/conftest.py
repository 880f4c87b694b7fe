"""How do property tests run here?"""

from hypothesis import settings

# Other programs share the machine: how long an example takes says nothing about the code.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")
