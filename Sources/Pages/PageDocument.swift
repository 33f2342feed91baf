import Files
import Foundation

/// The page: one HTML document with its style and its script inside, which sends requests only to its own server.
enum PageDocument {
  private static let style = text(PackageResources.page_css)
  private static let script = [
    PackageResources.values_js, PackageResources.source_js, PackageResources.chart_js, PackageResources.curves_js,
    PackageResources.run_js, PackageResources.sections_js, PackageResources.runs_js, PackageResources.compare_js,
    PackageResources.main_js,
  ].map(text).joined(separator: "\n")

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  /// As a server sends it; it asks for its data.
  static let served = document(data: "null", policy: "")

  /// What the served page may do: run its own script, and ask its own server.
  static let policy =
    own + "; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

  private static let own =
    "default-src 'none'; script-src 'sha256-\(digest(script))'; style-src 'sha256-\(digest(style))'"

  /// With its data inside, as a file.
  /// - Parameter data: JSON.
  static func file(data: String) -> String {
    // In a script a sign of less might end it.
    let data = data.replacing("<", with: "\\u003c")
    let policy = own + "; img-src data:; base-uri 'none'; form-action 'none'"
    return document(data: data, policy: "<meta http-equiv=\"Content-Security-Policy\" content=\"\(policy)\">")
  }

  /// What is put in may hold anything, so it is not searched.
  private static func document(data: String, policy: String) -> String {
    let page = text(PackageResources.page_html)
    var parts: [String] = []
    var rest = page[...]
    for (mark, value) in [("<!--policy-->", policy), ("/*style*/", style), ("/*data*/", data), ("/*script*/", script)] {
      guard let range = rest.firstRange(of: mark) else { preconditionFailure("page.html has no \(mark)") }
      parts += [String(rest[..<range.lowerBound]), value]
      rest = rest[range.upperBound...]
    }
    return parts.joined() + rest
  }

  private static func digest(_ text: String) -> String {
    var hash = SHA256()
    hash.update(text.utf8)
    return Data(hash.digest()).base64EncodedString()
  }
}
