// What a file with a model of its own speaks of, so that `import ElboCommand` is all that it needs.
@_exported import Autoencoders
@_exported import BayesianNetworks
@_exported import Distributions
@_exported import Learners
@_exported import LinearAlgebra
@_exported import Models
@_exported import Networks
@_exported import Runs
@_exported import Tensors
