# What `segue/__init__.py` imports only at the first use.
from segue.api import Model as Model
from segue.api import Recommendations as Recommendations
from segue.api import Tracks as Tracks
from segue.api import open as open
from segue.api import train as train

__version__: str
