import Foundation
import Testing
import ZeroMQ

@Suite struct KeyTests {
  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "elbo-keys-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  private func mode(_ path: String) throws -> Int {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as! Int
  }

  private func reason(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "none"
    } catch let error as ZeroMQError {
      #expect(error.code == .badKey)
      return error.reason
    } catch { return "\(error)" }
  }

  @Test func savesForItsOwnerAloneAndLoads() throws {
    try withFolder { folder in
      let pair = try CurveKeyPair.generate()
      #expect(try CurveKeyPair.generate().publicKey != pair.publicKey)
      let path = "\(folder)/node.key"
      try pair.save(to: path)
      #expect(try mode(path) == 0o600)
      #expect(try CurveKeyPair(contentsOf: path).publicKey == pair.publicKey)
      #expect(reason { try pair.save(to: path) } == "File exists")
    }
  }

  @Test func refusesWhatIsNoSecret() throws {
    try withFolder { folder in
      let path = "\(folder)/node.key"
      #expect(reason { _ = try CurveKeyPair(contentsOf: path) } == "No such file or directory")
      #expect(reason { _ = try CurveKeyPair(contentsOf: folder) } == "not a file")
      try CurveKeyPair.generate().save(to: path)
      let text = try String(contentsOfFile: path, encoding: .utf8)
      for open in [0o640, 0o604, 0o620] {
        try FileManager.default.setAttributes([.posixPermissions: open], ofItemAtPath: path)
        #expect(reason { _ = try CurveKeyPair(contentsOf: path) }.hasPrefix("others on this machine may read"))
      }
      func write(_ text: String) throws {
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
      }
      try write("")
      #expect(reason { _ = try CurveKeyPair(contentsOf: path) }.hasPrefix("no line 'secret'"))
      try write("secret abc\n")
      #expect(reason { _ = try CurveKeyPair(contentsOf: path) }.hasPrefix("no line 'secret'"))
      let other = try CurveKeyPair.generate().publicKey.description
      try write(text.replacingOccurrences(of: "public ", with: "public \(other) #"))
      #expect(reason { _ = try CurveKeyPair(contentsOf: path) } == "its public key does not belong to its secret one")
      try Data([0xFF, 0xFE, 0]).write(to: URL(fileURLWithPath: path))
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
      #expect(reason { _ = try CurveKeyPair(contentsOf: path) } == "not a text file of keys")
    }
  }

  @Test func readsAllowLists() throws {
    try withFolder { folder in
      let path = "\(folder)/allowed"
      let keys = try [CurveKeyPair.generate().publicKey, CurveKeyPair.generate().publicKey]
      try "# who may join\n\n\(keys[0]) node-1\r\n  \(keys[1])# the other\n".write(
        toFile: path, atomically: true, encoding: .utf8)
      let list = try AllowList(contentsOf: path, usual: [.status])
      #expect(list.keys == Set(keys))
      // Lists of 0.1: a name behind the key, and no role.
      #expect(list.keysWithoutRole == 2)
      #expect(keys.allSatisfy { list.roles(of: $0) == [.status] })
      try "\(keys[0]) node,predict rack 3\n\(keys[1]) status # the other\n".write(
        toFile: path, atomically: true, encoding: .utf8)
      let roles = try AllowList(contentsOf: path, usual: [.node])
      #expect(roles.keysWithoutRole == 0)
      #expect(roles.roles(of: keys[0]) == [.node, .predict] && roles.roles(of: keys[1]) == [.status])
      #expect(roles.keys(with: .node) == [keys[0]])
      try "\(keys[0]) node,stauts\n".write(toFile: path, atomically: true, encoding: .utf8)
      #expect(reason { _ = try AllowList(contentsOf: path, usual: []) } == "line 1 names the role 'stauts'")
      try "\(keys[0])\nnode-2 \(keys[1])\n".write(toFile: path, atomically: true, encoding: .utf8)
      #expect(reason { _ = try AllowList(contentsOf: path, usual: []) } == "line 2 does not begin with a key")
    }
  }

  @Test func readsHexadecimalOfEitherCase() throws {
    let key = try CurveKeyPair.generate().publicKey
    #expect(CurvePublicKey(hexadecimal: key.description.uppercased()) == key)
    #expect(CurvePublicKey(hexadecimal: key.description.dropLast()) == nil)
    #expect(CurvePublicKey(hexadecimal: String(repeating: "g", count: 64)) == nil)
    #expect(CurvePublicKey(bytes: [1, 2, 3]) == nil)
  }
}
