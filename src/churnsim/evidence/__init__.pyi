from .beliefs import Belief as Belief
from .pooling import Pooled as Pooled
from .pooling import pool as pool
