import Datasets
import Tensors

/// A learner that says in a sentence what an image shows, and how sure it is.
public protocol CaptionPredicting: Learner {
  /// The names of the languages that it was trained on, at least one.
  var languages: [String] { get }
  /// What is wrong with an array of images, or nothing.
  func mismatch(_ images: ExampleArray) -> String?
  /// The likeliest caption of each image, by the mean probabilities of Monte Carlo samples 0 ..< `samples`; the same for
  /// any number of lanes.
  func captions(
    of images: ExampleArray, language: Int, samples: Int, key: RandomKey, with crew: Crew
  ) throws -> [CaptionPrediction]
}

/// A sentence about an image.
public struct CaptionPrediction: Sendable {
  public let text: String
  public let words: Int
  /// Of all words and the end of the sentence, in nats: the sum of the logarithms of the samples' mean probabilities.
  public let logProbability: Double
  /// The mean over the sentence's tokens of the entropy of what was expected there, in nats.
  public let entropy: Double
  /// The part of `entropy` that more data would take away: the mutual information of token and parameters, in nats.
  public let mutualInformation: Double
  public let samples: Int

  public init(
    text: String, words: Int, logProbability: Double, entropy: Double, mutualInformation: Double, samples: Int
  ) {
    (self.text, self.words, self.logProbability) = (text, words, logProbability)
    (self.entropy, self.mutualInformation, self.samples) = (entropy, mutualInformation, samples)
  }
}
