from .beliefs import Belief as Belief
from .pooling import Pooled as Pooled
from .pooling import pool as pool
from .published_effects import PublishedEffect as PublishedEffect
from .published_effects import published as published
from .published_effects import published_belief as published_belief
