from .population.pca import PCA as PCA
from .population.pca import pca as pca
from .psychometrics.fit import PsychometricFit as PsychometricFit
from .psychometrics.fits import PsychometricFits as PsychometricFits
from .psychometrics.psychometric import psychometric as psychometric
from .psychometrics.sigmoids import SIGMOIDS as SIGMOIDS
from .psychometrics.sigmoids import Sigmoid as Sigmoid
