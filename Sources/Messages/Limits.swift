/// What an honest message never exceeds. Larger ones are refused before anything is allocated for them.
public enum Limits {
  /// Bytes of a control message.
  public static let controlMessage = 4 << 20
  /// Bytes of a data message before its payload.
  public static let dataHead = 256 << 10
  /// Bytes of a payload: chunks are 1 to 4 MiB, with room for other clients' habits.
  public static let payload = 64 << 20
  /// Bytes of a state in one message, so that heartbeats on the same connection do not wait long.
  public static let statePart = 1 << 20
  /// Bytes of a record of the coordinator's log.
  public static let logRecord = 4 << 20
  /// V, shards of a step.
  public static let shards = 1 << 20
  /// Elements of a flat vector.
  public static let elements = 1 << 40
  /// Phases of a step.
  public static let phases = 1 << 16
  /// Nodes of a view.
  public static let members = 1 << 14
  /// Entries of any other repeated field.
  public static let entries = 1 << 16
  /// Leases that a status names of a prediction.
  public static let leases = 64
  /// Bytes of a name or an endpoint.
  public static let name = 255
  /// Bytes of an explanation.
  public static let explanation = 4096
  /// Bytes of a recipe, and of a schema.
  public static let recipe = 1 << 20
}

public enum Protocol {
  /// The version this program speaks; a message of any other is refused.
  public static let version: UInt32 = 1
}
