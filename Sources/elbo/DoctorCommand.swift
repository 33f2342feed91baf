import ArgumentParser
import Datasets
import Foundation
import Reports
import Training

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Checks libraries, processor and data on this machine.")

  @Option(help: ArgumentHelp("Data to check (default: fashion-mnist).", valueName: "dir|file"))
  var data = "fashion-mnist"

  func run() throws {
    var isHealthy = true
    func line(_ good: Bool, _ name: String, _ text: String) {
      isHealthy = isHealthy && good
      print("\(good ? "ok     " : "missing") \(name.padding(toLength: 12, withPad: " ", startingAt: 0)) \(text)")
    }
    line(true, "elbo", Version.elbo)
    line(
      true, "processor", "\(Environment.processorName()), \(ProcessInfo.processInfo.activeProcessorCount) processors")
    line(true, "kernels", Version.kernels)
    line(true, "oneDNN", Version.oneDNN)
    line(
      Gnuplot.find() != nil, "gnuplot",
      Gnuplot.find()?.path ?? "plots are written as CSV only; install it with: sudo apt-get install gnuplot-nox")
    do {
      line(true, "data", try DataSource.open(DataRequest(source: data)).description)
    } catch {
      line(false, "data", "\(error)")
    }
    if !isHealthy { throw ExitStatus.failed }
  }
}
