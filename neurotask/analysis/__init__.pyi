from ._pca import PCA as PCA
from ._pca import pca as pca
from ._psychometric import psychometric as psychometric
from ._psychometric_fit import PsychometricFit as PsychometricFit
from ._psychometric_fits import PsychometricFits as PsychometricFits
from ._sigmoids import SIGMOIDS as SIGMOIDS
from ._sigmoids import Sigmoid as Sigmoid
