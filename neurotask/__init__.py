"""neurotask: cognitive tasks for recurrent networks, trained, shaped and read like animals.

The public names are loaded when they are first used: `import neurotask` imports no TensorFlow.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
