// What the interface of this module speaks of, so that `import Runs` is all that a program needs.
@_exported import Datasets
@_exported import Figures
@_exported import Recipes
@_exported import Training
