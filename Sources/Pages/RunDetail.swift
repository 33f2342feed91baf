import Files
import Foundation
import Messages
import ClusterRuns
import Reports
import Runs
import Training

/// A run as the page of one run shows it.
struct RunDetail {
  let entry: RunCatalog.Entry
  /// Of a training of this process.
  let live: LiveTraining?
  let cluster: ClusterWatch.State?
  let standard: RecipeStandard
  /// Runs with the same bits.
  let same: [String]

  var json: String {
    var notes: [String] = []
    /// A JSON file of the run folder as it is; null where it is none.
    func document(_ name: String) -> String {
      do throws(RunFile.Refusal) {
        guard let bytes = try RunFile.read("\(entry.path)/\(name)", limit: 1 << 22) else { return "null" }
        guard (try? JSONSerialization.jsonObject(with: Data(bytes))) != nil else {
          throw RunFile.Refusal(sentence: "\(name) is no JSON")
        }
        return String(decoding: bytes, as: UTF8.self)
      } catch {
        notes.append(error.sentence)
        return "null"
      }
    }
    let members: [(key: String, value: String)] = [
      ("name", JSONText.string(entry.name)), ("folder", JSONText.string(entry.path)),
      ("model", JSONText.string(entry.overview.model)), ("about", JSONText.string(standard.summary)),
      ("state", JSONText.string(state)), ("progress", progress), ("summary", document("summary.json")),
      ("recipe", recipe), ("environment", document("environment.json")), ("posterior", document("kl.json")),
      ("figures", FigureList(entry.path + "/figures").json), ("cluster", status),
      ("silentSince", JSONText.number(cluster?.silentSince ?? .nan)), ("marks", marks),
      ("same", "[" + same.map(JSONText.string).joined(separator: ",") + "]"),
    ]
    return JSONText.object(members + [("notes", "[" + notes.map(JSONText.string).joined(separator: ",") + "]")])
  }

  private var state: String {
    guard let live else { return entry.state }
    if let ending = live.state.ending { return ending }
    return live.state.last == nil ? "starting" : "running"
  }

  /// Of a training of this process: step by step. Of another one: by what it planned; the page sees its metrics.
  private var progress: String {
    let recipe = entry.overview.recipe
    guard let live, let last = live.state.last else {
      return JSONText.object([
        ("steps", JSONText.number(Double(recipe["train.steps"]) ?? .nan)),
        ("epochs", JSONText.number(Double(recipe["train.epochs"]) ?? .nan)),
      ])
    }
    let planned = live.endsByItself ? Double.nan : Double(last.steps)
    return JSONText.object([
      ("step", "\(last.step)"), ("steps", JSONText.number(planned)), ("epoch", JSONText.number(last.epoch)),
      ("epochs", JSONText.number(live.endsByItself ? .nan : last.epochs)),
      ("seconds", JSONText.number(last.seconds)),
      ("examplesPerSecond", JSONText.number(live.state.examplesPerSecond ?? .nan)),
      ("secondsLeft", JSONText.number(live.endsByItself ? .nan : live.state.secondsLeft ?? .nan)),
      ("metrics", JSONText.object(last.metrics.sorted { $0.key < $1.key }.map { ($0.key, JSONText.number($0.value)) })),
    ])
  }

  private var recipe: String {
    let rows = entry.overview.recipe.entries.map { key, value in
      JSONText.object([
        ("key", JSONText.string(key)), ("value", JSONText.string(value)),
        ("standard", standard.value(of: key).map(JSONText.string) ?? "null"),
        ("meaning", standard.meaning(of: key).map(JSONText.string) ?? "null"),
      ])
    }
    return "[" + rows.joined(separator: ",") + "]"
  }

  private var status: String { cluster?.reply.flatMap { try? StatusText.json($0) } ?? "null" }

  private var marks: String {
    let alarms = (live?.state.marks ?? []).map { (time: Double.nan, step: $0.step, text: $0.text) }
    let faults = (cluster?.marks ?? []).map { (time: $0.time, step: $0.step, text: $0.text) }
    return "["
      + (alarms + faults).map { mark in
        JSONText.object([
          ("time", JSONText.number(mark.time)), ("step", "\(mark.step)"), ("text", JSONText.string(mark.text)),
        ])
      }.joined(separator: ",") + "]"
  }
}
