from .load import load_run as load_run
from .run import Run as Run
