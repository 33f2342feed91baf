/// Levenshtein's distance: how many letters to insert, delete or change.
public func distance(_ a: String, _ b: String) -> Int {
  let (a, b) = (Array(a.unicodeScalars), Array(b.unicodeScalars))
  var row = Array(0...b.count)
  for (i, letter) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, other) in b.enumerated() {
      let substitution = diagonal + (letter == other ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(substitution, row[j] + 1, row[j + 1] + 1)
    }
  }
  return row[b.count]
}

/// The name that is nearest to a word, for messages about unknown names: one that means the same, one that contains the
/// word, or the one with the fewest letters that differ, unless these are more than half of the word's.
public func nearest(to word: String, among names: some Sequence<String>) -> String? {
  // Long words and many names, such as those of a table's columns, would take minutes.
  let names = Array(names.prefix(2000))
  let word = String(word.prefix(100))
  let plain = word.lowercased().filter { $0.isLetter || $0.isNumber }
  let same = meanings.first { $0.contains(plain) } ?? []
  if let name = names.first(where: { same.contains($0.lowercased().filter { $0.isLetter || $0.isNumber }) }) {
    return name
  }
  let containing = plain.count < 4 ? [] : names.filter { $0.lowercased().contains(word.lowercased()) }
  if let name = containing.min(by: { $0.count < $1.count }) { return name }
  let best = names.map { ($0, distance(String($0.prefix(100)), word)) }.min { $0.1 < $1.1 }
  return best.flatMap { $0.1 <= max(2, (word.count + 1) / 2) ? $0.0 : nil }
}

/// Words of other libraries and of Elbo that mean the same, in small letters without hyphens and underscores.
private let meanings: [Set<String>] = [
  ["gmm", "gaussianmixture", "mixtureofgaussians", "gaussianmixturemodel"],
  ["variationalgmm", "bayesiangaussianmixture", "dpgmm", "vbgmm"],
  ["gaussianprocess", "gp", "gpr", "kriging", "gaussianprocessregressor"],
  ["bayesianlogisticregression", "logistic", "logit", "logisticregression", "softmaxregression"],
  ["linearregression", "ols", "leastsquares", "lstsq"],
  ["bayesianridge", "ridge", "ard", "ardregression"],
  ["ppca", "probabilisticpca", "factoranalysis"],
  ["pca", "principalcomponents", "principalcomponentanalysis"],
  ["bbb", "bnn", "bayesbybackprop", "bayesianneuralnetwork"],
  ["mcdropout", "montecarlodropout"],
  ["mlp", "nn", "neuralnetwork", "multilayerperceptron", "ensemble", "deepensemble"],
  ["autoencoder", "ae"],
  ["vae", "variationalautoencoder"],
  ["learningrate", "lr", "rate", "stepsize", "eta"],
  ["batch", "batchsize", "minibatch", "minibatchsize"],
  ["epochs", "nepochs", "maxepochs"],
  ["iterations", "maxiter", "maxiterations", "niter"],
  ["steps", "maxsteps", "nsteps"],
  ["seed", "randomstate", "randomseed"],
  ["hidden", "hiddensize", "hiddenunits", "hiddenlayers", "hiddenlayersizes", "layers", "units"],
  ["latent", "latentdim", "latentsize", "zdim", "codesize"],
  ["activation", "nonlinearity"],
  ["weightdecay", "l2"],
  ["clipnorm", "maxgradnorm", "gradientclip"],
  ["normalisation", "normalization", "normalize", "normalise", "standardize", "standardise", "scaling", "scaler"],
  ["target", "label", "labels", "y", "response", "outcome"],
  ["columns", "features", "inputs"],
  ["onehot", "categorical", "categories", "dummies"],
  ["delimiter", "sep", "separator"],
  ["missing", "nan", "na", "navalues"],
  ["testfraction", "testsize", "testsplit", "testshare"],
  ["validationfraction", "validationsplit", "validationsize"],
  ["clusters", "nclusters", "k"],
  ["components", "ncomponents"],
  ["members", "nestimators", "ensemblesize"],
  ["restarts", "ninit", "nrestarts"],
  ["source", "path", "file", "dataset"],
  ["name", "optimizer", "optimiser", "algorithm"],
]
