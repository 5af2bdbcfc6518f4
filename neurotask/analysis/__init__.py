"""Analyses of behaviour and of population activity: data in, a frozen result with `plot` out.

Nothing here knows how a network was built or trained. An analysis takes a Session (the
`xarray.Dataset` that running a model on trials gives) or a table of trials, so an animal's trials
are read by the same call as a network's.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
