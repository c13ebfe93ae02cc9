from .pooling import Pooled as Pooled
from .pooling import pool as pool
