import ArgumentParser
import Cluster
import Datasets
import Files
import Foundation
import HTTPServer
import Learners
import Models
import Recipes
import Reports
import Training
import ZeroMQ

/// The command, as a part of any program.
///
/// ```swift
/// import ElboCommand
///
/// await ElboCommand.main(models: [PoissonRegression.self])
/// ```
public enum ElboCommand {
  /// Does what the process's arguments say, and ends the process if that fails.
  /// - Parameter models: the program's own, beside those that Elbo ships. Node processes that the program starts are the
  ///   program itself, so they know them too.
  public static func main(models: [any Model.Type] = []) async {
    await Elbo.main(models)
  }
}

/// Its parts parse arguments and put rooms together; they compute nothing.
struct Elbo: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "elbo",
    abstract: "Trains Bayesian and generative models on one machine or on many, and says how sure it is.",
    discussion: """
      Examples:
        elbo fit houses.csv --target price --minutes 5 --out houses
        elbo recipes                                   what there is
        elbo train vae                                 train the built-in recipe on Fashion-MNIST
        elbo train vae --set network.latent=2 --epochs 10 --out runs/two
        elbo train --resume runs/two --epochs 20       go on, bit for bit
        elbo evaluate runs/two                         metrics on the test set
        elbo sample runs/two --count 64 --output grid.png

      Exit status: 0 done; 1 the training failed; 2 a mistake in what was asked; 130 interrupted, after a checkpoint.
      """,
    version: Version.elbo,
    subcommands: [
      TrainCommand.self, LaunchCommand.self, CoordinatorCommand.self, NodeCommand.self, StatusCommand.self,
      KeysCommand.self, EvaluateCommand.self, PredictCommand.self, CalibrateCommand.self, PruneCommand.self,
      SampleCommand.self, ProjectCommand.self, ServeCommand.self, PageCommand.self, BanditCommand.self,
      ExportCommand.self, VerifyCommand.self, RunsCommand.self, CompareCommand.self, SweepCommand.self,
      FitCommand.self, ConjugateCommand.self, RecipesCommand.self, DoctorCommand.self,
    ])

  static func main(_ models: [any Model.Type]) async {
    StandardStreams.open()
    Descriptors.raiseLimit()
    AddressSpace.explainFailures()
    if let shortage = Descriptors.shortage(of: 64) { fail(shortage, .mistake) }
    // A closed pipe is an error to report, not a reason to die in the middle of a checkpoint.
    signal(SIGPIPE, SIG_IGN)
    do {
      for model in models { try Models.register(model) }
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
      try finishOutput()
    } catch let status as ExitStatus {
      do { try finishOutput() } catch { finish(with: error) }
      Foundation.exit(status.rawValue)
    } catch {
      finish(with: error)
    }
  }

  /// Says in one line what went wrong, and ends.
  private static func finish(with error: any Error) -> Never {
    switch error {
    case let error as TrainingError where error.code == .diverged || error.code == .unwritten:
      fail("\(error)", .failed)
    case let error as ClusterError:
      fail("\(error)", error.code == .refused || error.code == .otherJob ? .mistake : .failed)
    case let error as ZeroMQError:
      fail("\(error)", error.code == .exhausted || error.code == .system ? .failed : .mistake)
    case let error as DurableLogFile.Failure: fail("\(error)", .mistake)
    case is TrainingError, is RecipeError, is DataError, is FileError, is ServerError: fail("\(error)", .mistake)
    default:
      switch exitCode(for: error) {
      case .success:
        print(fullMessage(for: error))
        do { try finishOutput() } catch { finish(with: error) }
        Foundation.exit(0)
      case .validationFailure:
        let message = message(for: error).split(separator: "\n").joined(separator: " ")
        fail("\(message); `elbo --help` and `elbo help COMMAND` say what there is", .mistake)
      default: fail("\(error)", .failed)
      }
    }
  }

  /// Writes out what was printed: results that are lost, on a full disk for one, are no success.
  private static func finishOutput() throws {
    guard fflush(nil) == 0 else { throw FileError("write", "standard output", systemError: errno) }
  }

  private static func fail(_ message: String, _ status: ExitStatus) -> Never {
    StandardError.write("elbo: \(message)\n")
    Foundation.exit(status.rawValue)
  }
}

/// The descriptors 0 to 2, which files would get if they were closed: what is meant for a stream would go into them.
private enum StandardStreams {
  /// Opens /dev/null in place of closed streams, for reading only: to write results there is an error still.
  static func open() {
    for descriptor: CInt in 0...2 where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
      // The lowest number that is free.
      _ = Foundation.open("/dev/null", O_RDONLY)
    }
  }
}

/// How the process ends; a part of the contract with scripts.
enum ExitStatus: Int32, Error {
  case done = 0
  case failed = 1
  case mistake = 2
  case interrupted = 130

  /// Ends a process whose threads are computing: without the exit handlers of libraries, which would take from under the
  /// threads what they work on.
  func endAtOnce() -> Never {
    fflush(nil)
    _exit(rawValue)
  }
}
