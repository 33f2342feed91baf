/// What a coordinator lets the holder of a key do. Any listed key may request the status.
public enum KeyRole: String, CaseIterable, Sendable {
  /// Take part in the training.
  case node
  /// Ask for the status.
  case status
  /// Have the nodes of the training compute predictions.
  case predict
}

/// Public keys that may connect, and what each may do.
public struct AllowList: Sendable, ExpressibleByArrayLiteral {
  private var roles: [CurvePublicKey: Set<KeyRole>] = [:]
  /// How many lines of the file gave no role.
  public private(set) var keysWithoutRole = 0

  /// - Parameter roles: of each key.
  public init(_ keys: some Sequence<CurvePublicKey>, roles: Set<KeyRole>) {
    for key in keys { allow(key, roles) }
  }

  public init(arrayLiteral keys: CurvePublicKey...) { self.init(keys, roles: Set(KeyRole.allCases)) }

  /// Lets a key do more.
  public mutating func allow(_ key: CurvePublicKey, _ roles: Set<KeyRole>) {
    self.roles[key, default: []].formUnion(roles)
  }

  public var keys: Set<CurvePublicKey> { Set(roles.keys) }

  public func keys(with role: KeyRole) -> Set<CurvePublicKey> { Set(roles.filter { $0.value.contains(role) }.keys) }

  public func roles(of key: CurvePublicKey) -> Set<KeyRole> { roles[key] ?? [] }

  /// Reads a text file: on each line a key of 64 hexadecimal digits, its roles with commas between them, and a name for
  /// the reader. Lists of 0.1 have no roles.
  /// - Parameter usual: the roles of a key without any.
  public init(contentsOf path: String, usual: Set<KeyRole>) throws(ZeroMQError) {
    let doing = "reading the list of allowed keys \(path)"
    let (text, _) = try KeyFile.content(path, doing: doing)
    for (number, line) in KeyFile.numberedLines(text) {
      let words = line.split(separator: " ")
      guard let word = words.first, let key = CurvePublicKey(hexadecimal: word) else {
        throw ZeroMQError(
          .badKey, doing: doing, reason: "line \(number) does not begin with a key",
          advice: "a key is 64 hexadecimal digits, as elbo keys prints it")
      }
      let named =
        words.dropFirst().first.map { $0.split(separator: ",").map { ($0, KeyRole(rawValue: String($0))) } } ?? []
      guard named.contains(where: { $0.1 != nil }) else {
        // A name, or nothing.
        keysWithoutRole += 1
        allow(key, usual)
        continue
      }
      for (word, role) in named {
        guard let role else {
          throw ZeroMQError(
            .badKey, doing: doing, reason: "line \(number) names the role '\(word)'",
            advice: "roles are node, status and predict, with commas between them")
        }
        allow(key, [role])
      }
    }
  }
}
