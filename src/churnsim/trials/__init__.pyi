from .assignment import TrialAssignment as TrialAssignment
from .design import TrialDesign as TrialDesign
from .design import design_trial as design_trial
from .reading import TrialReading as TrialReading
from .reading import read_trial as read_trial
from .simulated import simulate_trial as simulate_trial
from .watching import ForecastLimits as ForecastLimits
from .watching import forecast_limits as forecast_limits
