import Datasets
import Distributions
import Figures
import Learners
import LinearAlgebra
import Recipes
import Training

/// A conjugate update of data: the result of `elbo conjugate`.
public struct ConjugateUpdate: Sendable {
  public let model: String
  public let observations: Int
  public let prior: ConjugateParameters
  public let posterior: ConjugateParameters
  /// What is known of the unknowns after the data.
  public let beliefs: ConjugateParameters
  /// The next observation.
  public let predictive: ConjugateParameters
  /// log of the probability (density) of all observations, in nats.
  public let logEvidence: Double
  /// The posteriors after each part of the data, the last one that of all; one unless parts were asked for.
  public let path: [ConjugateParameters]
  public let figure: Figure

  /// The names of the models, in the order of display.
  public static let models: [String] = families.map(\.name)

  private static let families: [(name: String, update: @Sendable (Request) throws -> ConjugateUpdate)] = [
    ("beta-bernoulli", { try update(BetaBernoulli.self, $0) }),
    ("beta-binomial", { try update(BetaBinomial.self, $0) }),
    ("dirichlet-categorical", { try update(DirichletCategorical.self, $0) }),
    ("dirichlet-multinomial", { try update(DirichletMultinomial.self, $0) }),
    ("gaussian-mean", { try update(GaussianMean.self, $0) }),
    ("gaussian-gamma", { try update(GaussianGamma.self, $0) }),
    ("gaussian-wishart", { try update(GaussianWishart.self, $0) }),
  ]

  /// What is asked for.
  public struct Request: Sendable {
    public var model: String
    public var source: String
    public var columns: [String] = []
    /// The prior's parameters that differ from the model's defaults.
    public var prior: [String: [Double]] = [:]
    /// Observations of each part, after which the posterior is reported; 0 is all at once.
    public var batch = 0

    public init(model: String, source: String) { (self.model, self.source) = (model, source) }
  }

  /// - Throws: `RecipeError`, `DataError` or `TrainingError`, all mistakes in what was asked.
  public init(_ request: Request) throws {
    guard let family = Self.families.first(where: { $0.name == request.model }) else {
      let hint = nearest(to: request.model, among: Self.models).map { "; the nearest is \($0)" } ?? ""
      throw RecipeError(
        "there is no conjugate model \(request.model)\(hint); there are \(Self.models.joined(separator: ", "))")
    }
    self = try family.update(request)
  }

  private static func update<Family: ConjugateFamily>(
    _ type: Family.Type, _ request: Request
  ) throws -> ConjugateUpdate {
    let rows = try ObservedRows(request, wantsCategories: request.model == "dirichlet-categorical")
    var entries = Family.defaults(width: rows.categories ?? rows.width).entries
    for (name, values) in request.prior {
      guard let place = entries.firstIndex(where: { $0.name == name }) else {
        let known = entries.map(\.name)
        let hint = nearest(to: name, among: known).map { "; the nearest is \($0)" } ?? ""
        throw RecipeError("\(request.model) has no parameter \(name)\(hint); it has \(known.joined(separator: ", "))")
      }
      let count = entries[place].values.count
      guard !values.isEmpty, count > 1 || values.count == 1 else {
        throw RecipeError("\(name) of \(request.model) is one number, not \(values.count)")
      }
      entries[place].values = values
    }
    do throws(ConjugateError) {
      return try updated(type, ConjugateParameters(entries.map { ($0.name, $0.values) }), request, rows)
    } catch {
      throw TrainingError(
        .unsuitable, "\(request.source): \(error.code.rawValue) while \(error.doing)", advice: error.remedy)
    }
  }

  private static func updated<Family: ConjugateFamily>(
    _ type: Family.Type, _ parameters: ConjugateParameters, _ request: Request, _ rows: ObservedRows
  ) throws(ConjugateError) -> ConjugateUpdate {
    let prior = try Family(parameters, width: rows.categories ?? rows.width)
    var states = [prior]
    let length = request.batch > 0 ? request.batch : rows.values.count
    var start = 0
    while start < rows.values.count {
      let end = min(start + length, rows.values.count)
      let before = states[states.count - 1]
      let statistics = try before.statistics(of: rows.values[start..<end])
      states.append(try before.posterior(statistics))
      start = end
    }
    let whole = try prior.statistics(of: rows.values)
    let logEvidence = try prior.logEvidence(whole)
    let posterior = states[states.count - 1]
    // A picture of hundreds of curves shows nothing: some on the way.
    var steps = states
    if states.count > 7 {
      steps = [0, 1, 2, 4, 8, 16].filter { $0 < states.count - 1 }.map { states[$0] } + [posterior]
    }
    return ConjugateUpdate(
      model: request.model, observations: rows.values.count, prior: prior.parameters,
      posterior: posterior.parameters, beliefs: posterior.beliefs, predictive: posterior.predictive,
      logEvidence: logEvidence, path: states.dropFirst().map { $0.parameters },
      figure: Family.figure(steps, names: rows.names, observations: rows.values))
  }

  private init(
    model: String, observations: Int, prior: ConjugateParameters, posterior: ConjugateParameters,
    beliefs: ConjugateParameters, predictive: ConjugateParameters, logEvidence: Double, path: [ConjugateParameters],
    figure: Figure
  ) {
    (self.model, self.observations, self.prior, self.posterior) = (model, observations, prior, posterior)
    (self.beliefs, self.predictive, self.logEvidence) = (beliefs, predictive, logEvidence)
    (self.path, self.figure) = (path, figure)
  }
}

/// Observations read from a file, a row of numbers each.
private struct ObservedRows {
  let values: [[Double]]
  /// Numbers of a row.
  let width: Int
  /// How many categories there are, where rows are categories.
  let categories: Int?
  /// Of columns, or of categories.
  let names: [String]

  init(_ asked: ConjugateUpdate.Request, wantsCategories: Bool) throws {
    var request = DataRequest(source: asked.source)
    request.columns = asked.columns
    let data: Dataset
    do {
      data = try DataSource.open(request)
    } catch {
      // Categories may be words: each becomes a column that is 1 where the word stands.
      guard wantsCategories, asked.columns.count == 1 else { throw error }
      request.oneHot = asked.columns
      guard let data = try? DataSource.open(request) else { throw error }
      let columns = try ExactRows(array: data.train.inputs).matrices().inputs
      values = (0..<columns.rows).map { row in [Double(columns.row(row).firstIndex(of: 1) ?? 0)] }
      (width, categories) = (1, columns.columns)
      names = data.columns.map { String($0.drop { $0 != "=" }.dropFirst()) }
      return
    }
    let numbers = try ExactRows(array: data.train.inputs).matrices().inputs
    values = (0..<numbers.rows).map(numbers.row)
    width = numbers.columns
    let largest = wantsCategories ? values.reduce(0) { max($0, $1[0]) } : 0
    guard largest < 1e6 else {
      throw TrainingError(
        .unsuitable, "\(asked.source): \(largest) is no category", advice: "number the categories from 0")
    }
    categories = wantsCategories ? Int(largest) + 1 : nil
    names = wantsCategories ? [] : data.columns
  }
}
